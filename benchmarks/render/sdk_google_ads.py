"""PyPI `google-ads`: click conversions as the package's own examples make them, with persons hashed as they do it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from google.ads.googleads.v25.common.types.offline_user_data import UserIdentifier
from google.ads.googleads.v25.enums.types.consent_status import ConsentStatusEnum
from google.ads.googleads.v25.services.types.conversion_upload_service import (
    ClickConversion,
    UploadClickConversionsRequest,
)

from benchmarks.render.shop import Order

BATCH = 2_000


def body(batch: Sequence[Order]) -> bytes:
    """The message as gRPC would send it."""
    request = UploadClickConversionsRequest(
        customer_id="1234567890", conversions=[_conversion(order) for order in batch], partial_failure=True
    )
    serialized: bytes = UploadClickConversionsRequest.serialize(request)
    return serialized


def _conversion(order: Order) -> ClickConversion:
    conversion = ClickConversion()
    conversion.gclid = order.click
    conversion.conversion_action = "customers/1234567890/conversionActions/987654321"
    conversion.conversion_date_time = "2026-03-02 08:00:00+00:00"
    conversion.conversion_value = order.cents / 100
    conversion.currency_code = "EUR"
    conversion.order_id = f"ORD-{order.number}"
    email, phone = UserIdentifier(), UserIdentifier()
    email.hashed_email = _hashed(_email(order.person["email"]))
    phone.hashed_phone_number = _hashed("+" + "".join(filter(str.isdecimal, order.phone)))
    conversion.user_identifiers.extend([email, phone])
    conversion.consent.ad_user_data = ConsentStatusEnum.ConsentStatus.GRANTED
    return conversion


def _email(typed: str) -> str:
    email = typed.strip().lower()
    local, _, domain = email.partition("@")
    return f"{local.replace('.', '')}@{domain}" if domain in ("gmail.com", "googlemail.com") else email


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
