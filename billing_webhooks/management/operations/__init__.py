"""What `manage.py billing_webhooks` can do, one module each."""
