"""Spark: the session, and the folder by which rows go to it and come back."""

import logging
import os
import re
import shutil
import socket
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from py4j.protocol import Py4JError
from pydantic import Field
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from sqlglot import exp

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.files import unfinished
from fourhats_runtime.project import Project
from fourhats_runtime.settings import Section

CONNECT_PORT = 15002
LOGGING = Path(__file__).with_name("log4j2.properties")
CONFIGURATION: dict[str, bool | float | int | str | None] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={LOGGING}",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}

# What fails is reported in one line: see `reported`.
for name in ("DataFrameQueryContextLogger", "SQLQueryContextLogger"):
    logging.getLogger(name).setLevel(logging.CRITICAL)
# Rows pass as Arrow: that PySpark does not know the newest pandas yet makes no difference.
warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)


class Spark(Section):
    """Where Spark runs, and by which folder rows go to it and come back."""

    table: ClassVar[str] = "spark"

    url: str = Field(
        default="local[*]", pattern=r"^(local(\[(\d+|\*)\])?|yarn|(spark|sc|k8s)://\S+)$"
    )
    folder: str = ""
    memory: str = Field(default="2g", pattern=r"^\d+[kmgt]$")


class SparkSQL:
    """Spark's dialect."""

    dialect = "spark"

    @staticmethod
    def adapt(tree: exp.Expr) -> list[exp.Expr]:
        r"""Say what sqlglot leaves as it is: in Java, a group is $1 and not \1."""
        for node in tree.find_all(exp.RegexpReplace):
            put = node.args["replacement"]
            put.replace(exp.Literal.string(re.sub(r"\\([1-9])", r"$\1", put.this)))
        return [tree]


def session(project: Project) -> SparkSession:
    """Start Spark where spark.url says, or go on with what was started before.

    Its workers get this package, and the one that the project's features come from; they need the
    libraries that these import.
    """
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    url = project.settings(Spark).url
    if url.startswith("sc://"):
        _reach(url)
        spark = SparkSession.builder.remote(url).getOrCreate()
        for name in ("spark.sql.session.timeZone", "spark.sql.timestampType"):
            spark.conf.set(name, str(CONFIGURATION[name]))
    else:
        builder = SparkSession.builder.master(url).appName(project.name)
        builder = builder.config("spark.driver.memory", project.settings(Spark).memory)
        spark = builder.config(map=CONFIGURATION).getOrCreate()
    if not url.startswith("local"):
        _send_packages(spark, project)
    return spark


@contextmanager
def exchange(project: Project) -> Iterator[Path]:
    """Give a folder that Spark reaches too; it is gone afterwards, with the rows in it."""
    folder = Path(project.settings(Spark).folder or project.artifacts)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=unfinished()) as name:
        yield Path(name).resolve()


@contextmanager
def reported() -> Iterator[None]:
    """Report what goes wrong in one line.

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


def _send_packages(spark: SparkSession, project: Project) -> None:
    modules = [__name__, *(f.__module__ for f in (project.features, project.payoff) if f)]
    with tempfile.TemporaryDirectory() as folder:
        for name in dict.fromkeys(module.partition(".")[0] for module in modules):
            source = getattr(sys.modules.get(name), "__file__", None)
            if source is None:  # typed in, as in a notebook: it is sent with the function
                continue
            top = Path(source).parent if Path(source).name == "__init__.py" else Path(source)
            archive = Path(folder) / f"{name}.zip"
            with zipfile.ZipFile(archive, "w") as packed:
                for file in sorted(top.rglob("*.py")) if top.is_dir() else [top]:
                    packed.write(file, file.relative_to(top.parent))
            spark.addArtifacts(str(archive), pyfile=True)
