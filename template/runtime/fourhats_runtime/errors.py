"""The one error that is meant for the person at the keyboard."""


class ProjectError(Exception):
    """Something the person can mend; the text says what was wrong, where, and what to do."""


class ReportedError(ProjectError):
    """One that an alert was sent about already, or that says that none could be sent."""


class DamagedError(ProjectError):
    """A file that the project's own commands wrote cannot be read; the text names the way back."""
