"""Money: integers of nano-dollars; prices are nano-dollars per million tokens; unknown is None, never zero."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from app.core.errors import BadRequest

NANO = 1_000_000_000


def parse_usd(text: str | int | float | Decimal, field: str = "amount") -> int:
    """Nano-dollars of a decimal string of USD ("5.00"). Raises BadRequest naming the field."""
    try:
        value = Decimal(str(text))
    except InvalidOperation:
        raise BadRequest(
            f'{field}: "{text}" is not an amount; write USD as a decimal string such as "5.00".', field=field
        ) from None
    if not value.is_finite() or value < 0 or value > 1_000_000_000:
        raise BadRequest(f"{field}: an amount lies between 0 and 1,000,000,000 USD, not {text}.", field=field)
    return int((value * NANO).to_integral_value(ROUND_HALF_UP))


def format_usd(nano: int) -> str:
    """Exact decimal string of USD, at least two digits after the point ("0.000076", "5.00")."""
    sign, nano = ("-", -nano) if nano < 0 else ("", nano)
    whole, rest = divmod(nano, NANO)
    digits = f"{rest:09d}".rstrip("0")
    return f"{sign}{whole}.{digits.ljust(2, '0')}"


def show_usd(nano: int | None) -> str:
    """As people read it (the table of the visual language): `$1,204`, `$41.78`, `$0.0450`, `$0.00023`, `unknown`."""
    if nano is None:
        return "unknown"
    if nano == 0:
        return "$0.00"
    usd = Decimal(nano) / NANO
    if usd >= 1000:
        return f"${usd:,.0f}"
    if usd >= 1:
        return f"${usd:.2f}"
    places = 4
    while places < 9 and usd.quantize(Decimal(1).scaleb(-places)) < Decimal(10).scaleb(-places):
        places += 1
    return f"${usd:.{places}f}"
