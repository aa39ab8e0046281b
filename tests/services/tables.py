"""Tables as a client would hand them over, made here with a fixed seed."""

import csv
from pathlib import Path
from random import Random


def deliveries(path: Path, rows: int = 1500, open_rows: int = 120) -> list[str]:
    """Write deliveries whose `hours` depend on distance, weight and weather; gives the header.

    The last `open_rows` have no outcome yet. `weight_kg` has gaps, `order_no` names a row.
    """
    random = Random(0)
    header = ["order_no", "ordered_at", "distance_km", "weight_kg", "weather", "express", "hours"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for row in range(rows):
            distance, weight = random.uniform(1, 400), random.uniform(0.1, 30)
            weather = random.choice(["dry", "rain", "snow"])
            express = random.random() < 0.3
            slow = {"dry": 1.0, "rain": 1.3, "snow": 2.0}[weather]
            hours = 4 + distance / 50 * slow * (0.5 if express else 1) + (weight > 20) * 6
            hours += random.gauss(0, 0.5)
            moment = f"2026-{1 + row // 300:02}-{1 + row // 12 % 25:02} {row % 12 + 8:02}:00:00"
            writer.writerow(
                [
                    f"A{row:05}",
                    moment,
                    f"{distance:.3f}",
                    "" if random.random() < 0.05 else f"{weight:.2f}",
                    weather,
                    str(express).lower(),
                    f"{hours:.2f}" if row < rows - open_rows else "",
                ]
            )
    return header


def grades(path: Path, rows: int = 1200) -> None:
    """Write wines of three grades, by semicolons in Latin-1, as a German spreadsheet does."""
    random = Random(1)
    with path.open("w", newline="", encoding="latin-1") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["Säure", "Zucker (g/l)", "Region", "2. Lese", "Güte"])
        for _ in range(rows):
            acid, sugar = random.uniform(3, 9), random.uniform(0, 60)
            region = random.choice(["Mosel", "Pfalz", "Würzburg"])
            late = random.choice(["ja", "nein"])
            score = sugar / 10 - abs(acid - 6) + 2 * (region == "Würzburg") * (late == "ja")
            score += random.gauss(0, 0.4)
            grade = "einfach" if score < 1 else "gut" if score < 3.5 else "edel"
            decimal = f"{acid:.2f}".replace(".", ",")
            writer.writerow([decimal, f"{sugar:.1f}".replace(".", ","), region, late, grade])
