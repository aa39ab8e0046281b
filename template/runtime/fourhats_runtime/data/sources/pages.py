"""Made-up documents until the client's are there: short pages of advice, as a handbook has them."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pyarrow as pa

from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.contract.written import moment_as

START = datetime(2026, 1, 1, tzinfo=UTC)
THINGS = {
    "bicycle": "The chain, the brakes and both tyres wear out first.",
    "coffee machine": "Chalk from hard water clogs its pipes after some weeks.",
    "garden hose": "It cracks where it is bent, and in frost.",
    "laptop": "Dust in the fan makes it hot, slow and loud.",
    "leather shoe": "Salt and water leave white lines on it.",
    "oven": "Fat burns onto the inner walls at high heat.",
    "printer": "Ink dries in the nozzles when nothing is printed for long.",
    "vacuum cleaner": "Hair winds around the brush until it stops.",
    "wooden table": "Wine and hot cups leave rings on the surface.",
    "wool pullover": "Moths eat holes into it during summer.",
}
TASKS = {
    "clean": "Use lukewarm water, a soft cloth and little soap, and let it dry in the open air.",
    "repair": "Look for the broken part, order the same one, and keep the screws in a bowl.",
    "store": "Put it into a dry, dark place, and cover it with paper instead of plastic.",
    "sell": "Take pictures by daylight, name every scratch, and ask what others ask for.",
    "buy": "Compare the guarantee, the price of spare parts and the weight before you pay.",
}


def make(contract: Contract) -> pa.Table:
    """Make a page for each task with each thing, as texts of the contract's columns."""
    pairs = list(product(TASKS, THINGS))
    columns = {
        column.source: pa.array(
            [_value(column, contract, number, *pair) for number, pair in enumerate(pairs)],
            pa.string(),
        )
        for column in contract.columns
    }
    return pa.table(columns)


def _value(column: Column, contract: Contract, number: int, task: str, thing: str) -> str:
    values = {
        "id": str(number + 1),
        "link": f"https://handbook.example/{number + 1}",
        "time": moment_as(START + timedelta(days=number), column.written),
    }
    if column.role == "field":
        is_title = column is contract.fields[0] and len(contract.fields) > 1
        title = f"How to {task} a {thing}"
        return title if is_title else f"{title}. {THINGS[thing]} {TASKS[task]}"
    if column.role == "filter":
        choices = column.categories or tuple(TASKS)
        return choices[list(TASKS).index(task) % len(choices)] if column.type == "category" else ""
    return values.get(column.role, "")
