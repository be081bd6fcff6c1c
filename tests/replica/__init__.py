"""The app with a replica beside its database, from which the project's router reads."""
