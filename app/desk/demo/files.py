"""Sample files for the demo, made on the spot: small, real, harmless."""

import io
import json

from PIL import Image, ImageDraw


def sample(name: str) -> bytes:
    """The bytes of a file with this name, of the type that its ending says."""
    makers = {"png": _picture, "pdf": _pdf, "csv": _table, "json": _json}
    return makers[name.rpartition(".")[2]](name)


def _picture(name: str) -> bytes:
    """A sketch of a calendar whose meetings sit one row too low."""
    picture = Image.new("RGB", (480, 300), "#f7f7f9")
    pen = ImageDraw.Draw(picture)
    for row in range(6):
        pen.line((60, 40 + row * 44, 460, 40 + row * 44), fill="#d5d6dc")
        pen.text((16, 34 + row * 44), f"{8 + row}:00", fill="#6b6e7b")
    for column, row in ((0, 1), (1, 3), (2, 2)):
        left, top = 70 + column * 130, 42 + row * 44
        pen.rectangle((left, top, left + 116, top + 40), fill="#c9d2ff", outline="#4a5be0")
        pen.text((left + 8, top + 12), "Handover", fill="#1c1d22")
    kept = io.BytesIO()
    picture.save(kept, "PNG")
    return kept.getvalue()


def _pdf(name: str) -> bytes:
    """One page that says its name."""
    title = name.removesuffix(".pdf").replace("-", " ").capitalize()
    stream = f"BT /F1 20 Tf 72 740 Td ({title}) Tj ET".encode("latin-1")
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (
        body
        + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (len(parts) + 1, table, len(parts) + 1, len(body))
    )


def _table(name: str) -> bytes:
    rows = [f"{number};Person {number % 40};2026-10-{number % 28 + 1:02d};06:00;14:00" for number in range(1, 60)]
    return ("id;name;day;from;to\r\n" + "\r\n".join(rows) + "\r\n").encode()


def _json(name: str) -> bytes:
    return json.dumps([{"person": number, "from": "06:00", "to": "14:00"} for number in range(1, 501)]).encode()
