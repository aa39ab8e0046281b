"""Every figure in one table; exits with 1 where a limit is not kept."""

from benchmarks import (
    batch_speed,
    client_files,
    data_growth,
    data_speed,
    extraction_speed,
    first_prediction,
    help_cost,
    image_size,
    model_quality,
    network_quality,
    new_cost,
    search_speed,
    serving_peers,
    serving_speed,
    thin_project,
    update_cost,
    worst_upload,
)
from benchmarks.figure import Figure, show

MODULES = (
    *(new_cost, help_cost, thin_project, first_prediction, serving_speed, serving_peers),
    *(worst_upload, image_size, extraction_speed, data_speed, data_growth, batch_speed),
    *(model_quality, network_quality, client_files, update_cost, search_speed),
)


def figures() -> list[Figure]:
    """Measure one after the other: side by side, they would measure each other."""
    found = []
    for module in MODULES:
        name = module.__name__.rpartition(".")[2]
        print(f"… {name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        found += module.figures()
    print()
    return found


if __name__ == "__main__":
    show(figures)
