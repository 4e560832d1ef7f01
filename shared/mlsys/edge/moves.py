"""Why a request leaves the thread that carries all of them."""


class MustWait(Exception):
    """It needs what is not at hand: let a thread have it that may wait."""


class MustWork(Exception):
    """It takes longer than others should wait: let a thread have it that works."""
