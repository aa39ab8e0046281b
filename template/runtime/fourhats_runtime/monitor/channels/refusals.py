"""What a channel says when it does not take an alert."""


class NotTakenError(Exception):
    """The alert was not taken; the text says why, and holds no secret of an address."""


class NoAddressError(NotTakenError):
    """Nobody has set yet where the alerts of this channel go."""
