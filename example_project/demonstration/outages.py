"""When the mail server is down in this month, and what becomes of receipts meanwhile."""

# In days ago: for too long, so whatever was to be sent then is dead.
WAS_DOWN, WORKED_AGAIN = 9.3, 8.7
# And now again: what is to be sent is pending.
IS_DOWN_SINCE = 0.23


def end_of_payment(days_ago: float) -> str:
    """Return the state in which a payment's event ends, because of its receipt."""
    if days_ago < IS_DOWN_SINCE:
        return "pending"
    return "dead" if WORKED_AGAIN < days_ago < WAS_DOWN else "processed"
