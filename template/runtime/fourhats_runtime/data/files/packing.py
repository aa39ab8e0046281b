"""What a file is packed in: gzip, bzip2, Zstandard, or a zip archive with one table."""

import bz2
import gzip
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Any

from fourhats_runtime.data.files.reading import TableFileError

ZIP = b"PK\x03\x04"
ZSTD = b"\x28\xb5\x2f\xfd"
TABLES = {".csv", ".tsv", ".txt", ".tab", ".dat", ".data", ".json", ".jsonl", ".ndjson", ".parquet"}
ENDS = {".gz", ".bz2", ".zst", ".zip"}
"""What names of packed files end in."""
TAR = slice(257, 262)


def unpacked(file: Path, head: bytes, copy: Path) -> tuple[Path, list[str]]:
    """Give the file itself, or an unpacked copy of it, and what there is to say.

    It goes piece by piece: the file may be larger than the memory.

    Raises:
        TableFileError: it is damaged, or holds no table or several.

    """
    said: list[str] = []
    try:
        if head.startswith(b"\x1f\x8b"):
            with gzip.open(file) as stream:
                _copy(stream, copy)
        elif head.startswith(b"BZh"):
            with bz2.open(file) as stream:
                _copy(stream, copy)
        elif head.startswith(ZSTD):
            with _zstd(file) as stream:
                _copy(stream, copy)
        elif head.startswith(ZIP):
            with zipfile.ZipFile(file) as archive:
                member, said = _table_in(file, archive)
                with archive.open(member) as stream:
                    _copy(stream, copy)
        else:
            return file, said
    except zipfile.BadZipFile as error:
        raise TableFileError(
            f"{file}: is a zip archive or an Excel workbook, and damaged."
        ) from error
    except (OSError, EOFError, zlib.error, RuntimeError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise TableFileError(f"{file}: can't be unpacked: {reason}.") from error
    with copy.open("rb") as stream:
        if stream.read(TAR.stop)[TAR] == b"ustar":
            raise TableFileError(f"{file}: is no table but an archive: unpack it first.")
    return copy, said


def is_workbook(file: Path, head: bytes) -> bool:
    """Tell whether it is a workbook, which is a zip archive, too."""
    if not head.startswith(ZIP):
        return False
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False
    return bool(names & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"})


def _copy(stream: IO[bytes] | gzip.GzipFile | bz2.BZ2File, copy: Path) -> None:
    with copy.open("wb") as written:
        shutil.copyfileobj(stream, written, 1024 * 1024)


def _zstd(file: Path) -> Any:  # noqa: ANN401 (one of Arrow's streams)
    from fourhats_runtime.data.extras import needs  # noqa: PLC0415 (no other packing needs it)

    with needs("data"):
        import pyarrow as pa  # noqa: PLC0415
    return pa.input_stream(str(file), compression="zstd")


def _table_in(file: Path, archive: zipfile.ZipFile) -> tuple[zipfile.ZipInfo, list[str]]:
    """Find the one table of an archive."""
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir() and not member.filename.startswith(("__MACOSX/", "."))
    ]
    tables = [each for each in members if PurePosixPath(each.filename).suffix.lower() in TABLES]
    found = tables if len(tables) == 1 else members
    if len(found) != 1:
        raise TableFileError(
            f"{file}: is an archive of {len(members)} files, and has to hold one table: "
            "unpack it, and name a file or a pattern."
        )
    if len(members) == 1:
        return found[0], []
    name = found[0].filename
    return found[0], [f"{file.name}: of its {len(members)} files only {name} is read"]
