"""
The catalogue of hostile and broken input, sent over real sockets to real servers.

A case is data: what is sent, and what has to come of it. The modules of cases are named after
what is wrong with the input; `test_catalogue` sends them all.
"""
