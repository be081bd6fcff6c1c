"""Whether Celery's broker answers, asked over a connection that gives up early."""

from __future__ import annotations

import threading
from typing import Any

from billing_webhooks import nudging
from billing_webhooks.conf import settings


def answers() -> bool | None:
    """
    Return whether the broker answers soon; None where no message is sent to one.

    It may take as long as a wake-up may: half a second.
    """
    if settings.DISPATCH != "celery":
        return None
    try:
        # Celery is an extra, and it may be missing.
        from billing_webhooks import publishing

        # Celery keeps its current app by thread, and what is imported takes its time.
        app = publishing.work_due_task().app
        if app.conf.task_always_eager:
            return None
        question = Question(publishing.connection_to(app))
    except Exception:
        return False
    return question.answered()


class Question(threading.Thread):
    """
    The thread that asks, and is left alone if that takes too long.

    Looking up a name has no timeout, and one for each read does not end an answer that trickles.
    """

    def __init__(self, connection: Any) -> None:
        super().__init__(name="billing_webhooks.vitals", daemon=True)
        self._connection = connection
        self._has_answer = False

    def answered(self) -> bool:
        """Return whether there was an answer in time."""
        self.start()
        self.join(nudging.PATIENCE_SECONDS)
        return self._has_answer

    def run(self) -> None:
        try:
            # A channel is had by a question and its answer.
            self._has_answer = self._connection.default_channel is not None
        except Exception:
            # Without a farewell, for which a silent broker would let us wait again.
            self._connection.collect()
        else:
            self._connection.release()
