"""Pictures, sounds and documents inside messages: data URLs and the names of media types."""

from __future__ import annotations

import base64
import binascii

from app.core.chat import Audio, File, Image
from app.core.errors import BadRequest

IMAGE_BYTES = 4800  # what a picture weighs in the estimate bytes / 3: about 1,600 tokens, whatever its file's size
AUDIO_SHARE = 100  # a second of sound is some 20 KB of base64 and some 30 tokens: a hundredth, times three

_AUDIO_TYPES = {
    "wav": "audio/wav",
    "mp3": "audio/mp3",
    "flac": "audio/flac",
    "opus": "audio/opus",
    "ogg": "audio/ogg",
    "aac": "audio/aac",
    "m4a": "audio/m4a",
    "pcm16": "audio/pcm",
    "webm": "audio/webm",
}
_AUDIO_NAMES = {kind: name for name, kind in _AUDIO_TYPES.items()} | {
    "audio/mpeg": "mp3",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mp4": "m4a",
    "audio/L16": "pcm16",
}
_BY_ENDING = {
    ".pdf": "application/pdf",
    ".txt": "text/plain",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
_SOUNDS = {"SUQz": "audio/mp3", "//u": "audio/mp3", "//v": "audio/mp3", "T2dn": "audio/ogg", "ZkxhQ": "audio/flac"}


def split_data_url(url: str) -> tuple[str, str] | None:
    """(media type, base64) of a `data:` URL, None of any other."""
    if not url.startswith("data:"):
        return None
    head, comma, data = url[5:].partition(",")
    if not comma or not head.endswith(";base64"):
        return None
    return head.removesuffix(";base64").partition(";")[0] or "application/octet-stream", data


def data_url(media_type: str, data: str) -> str:
    return f"data:{media_type};base64,{data}"


def read_text(data: str, place: str) -> str:
    """The text of a text file in base64. Raises BadRequest."""
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError):
        raise BadRequest(f"{place}: the text file is not base64 of UTF-8; encode it so.", field=place) from None


def audio_type(name: str) -> str:
    """OpenAI's `format` as a media type."""
    return _AUDIO_TYPES.get(name, f"audio/{name}")


def audio_name(media_type: str) -> str:
    """A media type as OpenAI's `format`."""
    plain = media_type.partition(";")[0]
    return _AUDIO_NAMES.get(plain, plain.removeprefix("audio/"))


def guess_sound(data: str) -> str:
    """The media type of a sound by its first bytes, in base64."""
    return next((kind for start, kind in _SOUNDS.items() if data.startswith(start)), "audio/wav")


def guess_type(name: str | None, fallback: str) -> str:
    """The media type by the ending of a file's name or address."""
    if name:
        path = name.partition("?")[0].lower()
        for ending, media_type in _BY_ENDING.items():
            if path.endswith(ending):
                return media_type
    return fallback


def from_media(media_type: str, data: str) -> Image | Audio | File:
    """The part that base64 data of this type is."""
    if media_type.startswith("image/"):
        return Image(data=data, media_type=media_type)
    if media_type.startswith("audio/"):
        return Audio(data=data, media_type=media_type)
    return File(data=data, media_type=media_type)
