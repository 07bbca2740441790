"""What a fresh workshop stand-in holds: invented cases and a small register of products."""

from typing import Any

USERS = {"oilmat@example.org": "demo-workshop"}

PRODUCTS: list[dict[str, Any]] = [
    {"number": "OL-0530", "name": "Motorolie 5W-30 Longlife", "price": "98.50", "stock": "412.50"},
    {"number": "OL-0530-C3", "name": "Motorolie 5W-30 C3 DPF", "price": "104.00", "stock": "208.00"},
    {"number": "OL-1040", "name": "Motorolie 10W-40 delsyntetisk", "price": "61.25", "stock": "190.00"},
    {"number": "0007", "name": "Gearolie 75W-90", "price": "142.00", "stock": "60.00"},
    {"number": "00071", "name": "Gearolie 75W-90 LS", "price": "156.00", "stock": "20.00"},
    {"number": "7", "name": "Sprinklervæske -20 °C", "group": "Væsker", "price": "14.75", "stock": "600.00"},
    {"number": "KØL-12", "name": "Kølervæske blå, færdigblandet", "group": "Væsker", "price": "39.95"},
    {"number": "BR-DOT4", "name": "Bremsevæske DOT 4", "group": "Væsker", "price": "88.00", "stock": "0.00"},
    {
        "number": "OL-2050",
        "name": "Motorolie 20W-50 til veteranbiler og ældre benzinmotorer uden katalysator",
        "price": "72.00",
    },
    {"number": "FI-100", "name": "Oliefilter", "unit": "stk.", "group": "Filtre", "price": "119.00", "stock": "35.00"},
    {"number": "OL-1540", "name": "Motorolie 15W-40", "price": "49.00", "status": "udgået"},
    {"number": "AT-III", "name": "Automatgearolie ATF III", "price": "76.00", "status": "spærret"},
]


def _case(number: int, customer: str, plate: str, *products: str, **more: Any) -> dict[str, Any]:
    lines = [{"product": product, "amount": "1.00"} for product in products]
    vin = f"WVWZZZ1KZ8W{number:06}"
    return {"number": str(number), "customer": customer, "plate": plate, "vin": vin, "lines": lines, **more}


_NAMES = ("Aase Østergård", "Bo Ibsen", "Eva Kjær", "Firmaet Ål & Søn ApS", "Ib Overgaard", "Lis Ravn", "Øjvind Bæk")

CASES: list[dict[str, Any]] = [
    _case(56, "Karl Åberg", "AB 12 345"),
    _case(560, "Jytte Sørensen", "CD 67 890", "FI-100"),
    _case(561, "Poul Nygård", "EF 11 222", status="lukket"),
    _case(562, "Inger Dahl", "GH 33 444", "OL-1040", status="faktureret"),
    _case(563, "Svend Lund", "JK 55 666", locked_by="mette"),
    _case(5601, "Vognmand Holm A/S", "LM 77 888"),
    _case(37056, "Rita Mørk", "NP 99 000", "FI-100", "OL-0530"),
    *(_case(37100 + n, _NAMES[n % len(_NAMES)], f"RS {20 + n} {100 + 7 * n}") for n in range(24)),
]
