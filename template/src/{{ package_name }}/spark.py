"""Spark: the session, and the folder by which rows go to it and come back."""

import logging
import os
import shutil
import socket
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from sqlglot import exp

from .errors import ProjectError
from .settings import Settings

PACKAGE = Path(__file__).parent
CONNECT_PORT = 15002
LOGGING = PACKAGE / "log4j2.properties"
CONFIGURATION: dict[str, bool | float | int | str | None] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={LOGGING}",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}

# What fails is told in one line: see `told`.
for name in ("DataFrameQueryContextLogger", "SQLQueryContextLogger"):
    logging.getLogger(name).setLevel(logging.CRITICAL)
# Rows pass as Arrow: that PySpark does not know the newest pandas yet makes no difference.
warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)


class SparkSQL:
    """Spark's dialect."""

    dialect = "spark"

    @staticmethod
    def adapt(tree: exp.Expr) -> list[exp.Expr]:
        """Leave it to sqlglot."""
        return [tree]


def session(settings: Settings) -> SparkSession:
    """Start Spark where spark.url says, or go on with what was started before.

    Its workers get this package; they need the libraries that it imports.
    """
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    url = settings.spark.url
    if url.startswith("sc://"):
        _reach(url)
        spark = SparkSession.builder.remote(url).getOrCreate()
        for name in ("spark.sql.session.timeZone", "spark.sql.timestampType"):
            spark.conf.set(name, str(CONFIGURATION[name]))
    else:
        builder = SparkSession.builder.master(url).appName(PACKAGE.name)
        builder = builder.config("spark.driver.memory", settings.spark.memory)
        spark = builder.config(map=CONFIGURATION).getOrCreate()
    if not url.startswith("local"):
        _send_package(spark)
    return spark


@contextmanager
def exchange(settings: Settings) -> Iterator[Path]:
    """Give a folder that Spark reaches too; it is gone afterwards, with the rows in it."""
    folder = Path(settings.spark.folder or settings.artifacts)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="spark-") as name:
        yield Path(name).resolve()


@contextmanager
def told() -> Iterator[None]:
    """Tell what goes wrong in one line.

    Raises:
        ProjectError: there is no Java, Spark cannot be reached, or it fails.

    """
    try:
        yield
    except (PySparkException, Py4JError, OSError) as error:
        # Of what Java throws, the line behind the first says why.
        lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
        reason = next((line for line in lines if line.startswith(": ")), lines[0] if lines else "")
        if "JAVA_GATEWAY_EXITED" in reason:
            reason = "it does not start, for the reason that Java gives above"
            if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
                reason = "there is no Java: it needs 17, such as Debian's openjdk-17-jre-headless"
        raise ProjectError(f"Spark: {reason.lstrip(': ')} ([spark] in config/spark.toml)") from None


def _reach(url: str) -> None:
    """See that somebody listens there: the client would try for minutes, in silence."""
    place = urlsplit(url)
    there = place.hostname or "", place.port or CONNECT_PORT
    socket.create_connection(there, timeout=10).close()


def _send_package(spark: SparkSession) -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / f"{PACKAGE.name}.zip"
        with zipfile.ZipFile(archive, "w") as packed:
            for file in sorted(PACKAGE.rglob("*.py")):
                packed.write(file, file.relative_to(PACKAGE.parent))
        spark.addArtifacts(str(archive), pyfile=True)
