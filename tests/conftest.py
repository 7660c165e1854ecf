"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# A time limit for each example says more about how busy the machine is than about the code.
settings.register_profile("peerlane", deadline=None)
settings.load_profile("peerlane")
# ``pytest --hypothesis-profile=thorough`` looks harder.
settings.register_profile("thorough", deadline=None, max_examples=3_000)
