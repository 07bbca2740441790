"""What of OilMat's traffic may stay in a recording: numbers and words of an order. Logins and unknown fields never."""

import re

from integrator.systems.oilmat.sender import DISPENSES
from integrator.systems.recordable import Call, Fields, Items, May, Recordable, Shape, Words

_ITEM: dict[str, Shape] = {
    **dict.fromkeys(("workshop", "dealer"), May.CODE),
    **dict.fromkeys(("case_id", "case_nr", "worksheet", "worksheet_id"), May.CODE),
    **dict.fromkeys(("unique_id", "uniqueid", "product_nr"), May.CODE),
    "product_amount": May.AMOUNT,
}
_STATUS: dict[str, Shape] = {
    "workshop": May.CODE,
    "status": Words(frozenset({"received", "processing", "completed", "bad request", "failed"})),
    "reason": May.TEXT,
    "updated_at": May.MOMENT,
}
_ERROR: dict[str, Shape] = {"error": May.CODE, "message": May.TEXT}
# A replay goes on where its own store stopped, not where ours did.
_QUERY: dict[str, Shape] = {"workshop": May.CODE, "after": May.ANY, "limit": May.NUMBER}


def recordable() -> Recordable:
    """Say what may stay; there is nothing to configure."""
    page = Fields({"items": Items(Fields(_ITEM)), "next": May.CODE, "more": May.YESNO, **_ERROR})
    return Recordable(
        (
            Call(re.compile(re.escape(DISPENSES)), answer=page, query=_QUERY),
            Call(re.compile(rf"{re.escape(DISPENSES)}/[^/]+/status"), Fields(_STATUS), Fields(_ERROR)),
        )
    )
