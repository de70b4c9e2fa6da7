"""Limits how often a client may call, by a token bucket."""

import time


class TokenBucket:
    """A bucket that holds at most `capacity` tokens and gains `rate` of them a second."""

    def __init__(self, capacity, rate, clock=time.monotonic):
        self.capacity = capacity
        self.rate = rate
        self.clock = clock
        self.tokens = capacity
        self.updated = clock()

    def _refill(self):
        """Adds the tokens that were gained since the last call, up to the capacity."""
        now = self.clock()
        gained = (now - self.updated) * self.rate
        self.tokens = min(self.capacity, self.tokens + gained)
        self.updated = now

    def allow(self, cost=1):
        """Takes `cost` tokens and returns True, or takes nothing and returns False."""
        self._refill()
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True

    def wait_seconds(self, cost=1):
        """Seconds until a call of this cost would be allowed."""
        self._refill()
        missing = max(0.0, cost - self.tokens)
        return missing / self.rate
