"""The parts inside a client's items: text, pictures, documents, sounds."""

from __future__ import annotations

from app.core.chat import Audio, File, Foreign, Image, Part, Refusal, Text
from app.core.errors import BadRequest
from app.formats.fields import Fields
from app.formats.media import audio_type, guess_type, split_data_url
from app.formats.openai_responses.words import OWN

FOREIGN = ("input_image", "input_video", "computer_screenshot", "encrypted_content")  # parts that are kept as they came
_PARTS = "input_text, input_image, input_file, input_audio, output_text and refusal"


def read_content(fields: Fields, key: str) -> list[Part]:
    value = fields.get(key)
    if value is None:
        return []
    if isinstance(value, str):
        return [Text(value)] if value else []
    if not isinstance(value, list):
        raise fields.wrong(key, "a string or a list of parts")
    return [_part(part) for part in fields.objects(key)]


def _part(fields: Fields) -> Part:
    match fields.get("type"):
        case "input_text" | "output_text" | "text":
            return Text(fields.needed_text("text"))
        case "refusal":
            return Refusal(fields.needed_text("refusal"))
        case "input_image":
            return _image(fields)
        case "input_file":
            return _file(fields)
        case "input_audio":
            inner = fields.object("input_audio") or fields
            return Audio(inner.needed_text("data"), audio_type(inner.text("format") or "wav"))
        case "input_video" | "computer_screenshot" | "encrypted_content":
            return Foreign(OWN, fields.value)
        case None:
            place = fields.at("type")
            raise BadRequest(f"{place}: this field is missing; accepted are {_PARTS}.", field=place)
        case _:
            raise fields.unknown("type", _PARTS)


def _image(fields: Fields) -> Part:
    url, detail = fields.text("image_url"), fields.text("detail")
    place = fields.at("image_url")
    if url is None:
        if fields.text("file_id") is None:
            raise BadRequest(f"{place}: give the picture's address or data URL here, or its file_id.", field=place)
        return Foreign(OWN, fields.value)  # a file at its own provider
    split = split_data_url(url)
    if split is not None:
        return Image(data=split[1], media_type=split[0], detail=detail)
    if not url.startswith(("http://", "https://", "gs://")):
        raise BadRequest(f"{place}: expected an http(s) address or a data URL in base64.", field=place)
    return Image(url=url, detail=detail)


def _file(fields: Fields) -> File:
    name, data, url = fields.text("filename"), fields.text("file_data"), fields.text("file_url")
    if data is not None:
        media_type, content = split_data_url(data) or (guess_type(name, "application/pdf"), data)
        return File(data=content, media_type=media_type, name=name)
    if url is not None:
        return File(url=url, media_type=guess_type(name or url, "application/pdf"), name=name)
    file_id = fields.text("file_id")
    if file_id is None:
        place = fields.at("file_data")
        raise BadRequest(f"{place}: give the file's data URL here, or its file_url or file_id.", field=place)
    return File(file_id=file_id, name=name)
