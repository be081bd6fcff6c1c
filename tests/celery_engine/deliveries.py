"""The customer whose events wake workers."""

CUSTOMER = {"id": "0b1e5c1e-0000-4000-8000-000000000001", "email": "ada@example.org"}
MAILBOX = f"billabear:customer:{CUSTOMER['id']}"
