"""What a person says about a file that its bytes do not, and what there is to say back."""

from dataclasses import dataclass


class TableFileError(ValueError):
    """The file can't be read as a table; the message says why, for the person who gave it."""


@dataclass(frozen=True)
class Reading:
    """How to read a file that says too little by itself."""

    columns: tuple[str, ...] = ()
    """What the columns are called, where no line of the file says it."""
    header: bool = True
    """A line of the file names the columns; without one they are column_1, column_2, …."""
    encoding: str = ""
    """By the name that Python knows it by, such as cp1250; empty: by the bytes of the file."""

    @property
    def named_by_the_file(self) -> bool:
        """Tell whether the names are to be found in the file."""
        return self.header and not self.columns

    def names(self, width: int, where: str) -> tuple[str, ...]:
        """Name the columns of a table that has no names.

        Raises:
            TableFileError: there are more or fewer names than columns.

        """
        if not self.columns:
            return tuple(f"column_{position}" for position in range(1, width + 1))
        if len(self.columns) != width:
            raise TableFileError(
                f"{where}: has {width} columns, and {len(self.columns)} names were given for them."
            )
        return self.columns


AS_IT_IS = Reading()
