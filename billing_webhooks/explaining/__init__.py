"""Why may, or may not, somebody use something: the rule, the rows, and the events behind them."""

from billing_webhooks.explaining.gathering import explain
from billing_webhooks.explaining.telling import Explanation

__all__ = ["Explanation", "explain"]
