"""Many requests under way, never more than a bound, and an account of what became of them."""

import threading
import time


class Window:
    """Sends requests asynchronously and counts answers, failures and silence."""

    def __init__(self, session, bound=256, on_answer=lambda: None):
        self.session = session
        self.bound = bound
        self.on_answer = on_answer
        self.places = threading.Semaphore(bound)
        self.lock = threading.Lock()
        self.failures = []
        self.answers = 0
        self.longest_silence = 0.0
        self.last_answer = None

    def send(self, statement, values=None, on_rows=None):
        """Waits for a free place and sends; `on_rows` sees the answer's first page."""
        self.places.acquire()

        def answered(rows):
            try:
                if on_rows:
                    on_rows(rows)
                self._count()
            except Exception as error:  # a check that failed is a failure of the request
                self.failures.append(error)
            finally:
                self.places.release()

        def failed(error):
            self.failures.append(error)
            self.places.release()

        self.session.execute_async(statement, values).add_callbacks(answered, failed)

    def _count(self):
        now = time.monotonic()
        with self.lock:
            if self.last_answer is not None:
                self.longest_silence = max(self.longest_silence, now - self.last_answer)
            self.last_answer = now
            self.answers += 1
        self.on_answer()

    def finish(self):
        """Waits for the last answer; raises the first failure."""
        for _ in range(self.bound):
            self.places.acquire()
        self.places.release(self.bound)
        if self.failures:
            raise AssertionError(f"{len(self.failures)} requests failed, the first: {self.failures[0]!r}")
        return self.answers
