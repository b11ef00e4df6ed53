"""In which format a provider is asked, and how its answer is read."""

from __future__ import annotations

from app.core.errors import Unsupported
from app.formats.base import UpstreamCall, UpstreamFormat
from app.formats.registry import FORMATS
from app.formats.signatures import holds_marks
from app.providers.dialect import FORMAT, in_dialect
from app.routing.deployment import Deployment
from app.services.gateway.call import Call
from app.services.gateway.readers import EventReader, Reader, RelayReader, TranslateReader
from app.services.snapshot import Provider


def translator(call: Call, deployment: Deployment) -> UpstreamFormat | None:
    """The format to translate into: the provider's first of this operation; None where it speaks the client's own.

    What another family signed lies in the client's body under a mark that only we can read: then even the client's own
    format is translated into."""
    client, spoken = call.format, deployment.formats
    if client is not None and client.name in spoken:
        return FORMATS.get(client.name) if holds_marks(call.body) else None
    asks = client.asks if client is not None else "chat"
    found = (wire for name in spoken if (wire := FORMATS.get(name)) is not None and wire.operation == asks)
    if (wire := next(found, None)) is None:
        raise Unsupported(f"{deployment.provider} offers no {asks}; name another model.", field="model")
    return wire


def upstream_call(
    call: Call,
    deployment: Deployment,
    provider: Provider,
    format: UpstreamFormat | None,
    ask_usage: bool,
    adapted: bool = False,
) -> UpstreamCall:
    """Relayed as it came, unless it is to be `adapted` to the provider's dialect, as translated ones are. Raises
    BadRequest or Unsupported."""
    if format is None:
        relayed = _relayed(call, deployment, ask_usage)
        if adapted:
            adapt(relayed, call.format_name, provider)
        return relayed
    if call.request is None:
        assert call.format is not None
        call.request = call.format.decode_request(call.body_at(), call.path_model, call.path_stream)
    if call.peek.stream:
        call.request.include_usage = ask_usage
    asked = format.encode_request(call.request, deployment.model)
    if call.passed and call.format is not None and call.format.name == format.name:
        asked.headers = asked.headers | call.passed
    adapt(asked, format.name, provider)
    return asked


def reader_of(call: Call, format: UpstreamFormat | None, *, strip_usage: bool) -> Reader:
    """What reads the provider's stream for this client."""
    if format is None:
        assert call.format is not None
        return RelayReader(call.format.tap(strip_usage=strip_usage))
    if call.format is None:
        return EventReader(format.decoder())
    return TranslateReader(format.decoder(), call.format.encoder(call.peek))


def adapt(asked: UpstreamCall, format_name: str, provider: Provider) -> bool:
    """Says in its own words what this kind of provider is known to refuse; whether there was any such thing."""
    changed = format_name == FORMAT and (said := in_dialect(asked.body, provider.kind.dialect)) is not asked.body
    if changed:
        refused = [name for name in provider.kind.dialect.leave_out if f'"{name}"'.encode() in asked.body]
        asked.approximated = [
            *asked.approximated,
            *(f"{name}: left out; {provider.kind.label} refuses it." for name in refused),
        ]
        asked.body = said
    return changed


def _relayed(call: Call, deployment: Deployment, ask_usage: bool) -> UpstreamCall:
    assert call.format is not None
    relayed = call.format.relay_request(call.body_at(deployment), deployment.model, call.peek, ask_usage)
    if call.passed:
        relayed.headers = relayed.headers | call.passed
    if call.upload is not None:
        relayed.upload = call.upload.naming(deployment.model)
        relayed.headers = {**relayed.headers, "content-type": call.upload.content_type}
    return relayed
