"""The serving image without its base: what `docker build` adds to the Python image."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.figure import Figure, show
from tests.services.base_image import BASE_PYTHON
from tests.services.docker import DockerMissingError, base_names, docker_engine, without_digests
from tests.services.rendered import Project, project_env, render

LIMIT = 200.0
MEGABYTE = 1_000_000


def figures() -> list[Figure]:
    """Measure by a Docker engine, or where there is none by what the image installs."""
    with tempfile.TemporaryDirectory() as folder:
        project = render(Path(folder) / "customer-churn", python_version=BASE_PYTHON)
        try:
            size, how = _by_engine(project), "the image's size minus its base's"
        except DockerMissingError:
            size, how = _by_installing(project), "no Docker engine here: its packages on disk"
    return [Figure("the serving image without its base", size / MEGABYTE, LIMIT, "MB", detail=how)]


def _by_engine(project: Project) -> int:
    dockerfile = project.folder / "deploy" / "Dockerfile"
    with docker_engine() as engine:
        image = engine.build(project.folder, dockerfile, f"{project.slug}-bench")
        text = dockerfile.read_text()
        base = base_names(without_digests(text) if engine.private else text)[-1]
        return engine.size_in_bytes(image) - engine.size_in_bytes(base)


def _by_installing(project: Project) -> int:
    """Do what the Dockerfile does, here."""
    place = project.folder / ".image"
    env = project_env({"UV_COMPILE_BYTECODE": "1", "UV_LINK_MODE": "copy"})
    subprocess.run(["uv", "venv", "--quiet", place], check=True, env=env)
    empty = _size(place)
    options = ["--quiet", f"--python={place}", "--constraint=constraints.txt", "--group=serve"]
    subprocess.run(["uv", "pip", "install", *options, "."], check=True, cwd=project.folder, env=env)
    for name in (
        "tests",
        *(f"onnxruntime/{name}" for name in ("quantization", "tools", "transformers")),
        *(f"numpy/{name}" for name in ("distutils", "f2py")),
    ):
        for folder in list(place.rglob(name)):
            shutil.rmtree(folder, ignore_errors=True)
    for library in list(place.rglob("libonnxruntime.so.*")):
        library.unlink()
    return _size(place) - empty


def _size(folder: Path) -> int:
    """Return the space that the files take, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if not path.is_symlink())


if __name__ == "__main__":
    show(figures)
