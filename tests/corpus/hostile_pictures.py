"""Pictures that are broken, or made to do harm: what they would do, if they could, is to make a file `MARKER`."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from hostile_models import MARKER
from PIL import Image, PngImagePlugin

from mnist_cli.data import MODEL_PATH

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def picture(size: int = 120) -> Image.Image:
    """A stroke like a seven, dark on light."""
    pixels = np.full((size, size, 3), 240, np.uint8)
    thick, start, end = size // 12, size // 4, 3 * size // 4
    pixels[start : start + thick, start:end] = 20
    for row in range(start, end):
        column = end - thick - (row - start) // 2
        pixels[row, column : column + thick] = 20
    return Image.fromarray(pixels)


def saved(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    stream = io.BytesIO()
    (image or picture()).save(stream, kind, **options)
    return stream.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(
    width: int, height: int, pixels: bytes = bytes(64), depth: int = 8, colour: int = 0, compressed: bytes = b""
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = compressed or zlib.compress(pixels, 9)
    return _PNG_MAGIC + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def with_chunks(*chunks: bytes) -> bytes:
    """A picture in which everything is right, with more behind its header."""
    whole = saved("PNG")
    return whole[:33] + b"".join(chunks) + whole[33:]


def zeros(megabytes: int) -> bytes:
    """So many, compressed, without having them all at once."""
    packer = zlib.compressobj(6)
    return b"".join([*(packer.compress(bytes(1_000_000)) for _ in range(megabytes)), packer.flush()])


def tiff(width: int, height: int, following: int = 0, strip: int = 8, **tags: int) -> bytes:
    """The header of a TIFF, with one strip that begins at `strip`; `following`: where the next page is said to be."""
    count = tags.get("count", width * height)
    entries = [
        *((256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, tags.get("compression", 1)), (262, 3, 1)),
        *((273, 4, strip), (277, 3, 1), (278, 4, height), (279, 4, count)),
    ]
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + struct.pack("<I", following)


def many_scans(count: int, size: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again: each time, all of the picture is gone through."""
    whole = saved("JPEG", picture(size), progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * count + b"\xff\xd9"


def large(kind: str, mode: str, width: int, height: int, **options: Any) -> bytes:
    return saved(kind, Image.new(mode, (width, height), 1), **options)


_EPS = b"""%%!PS-Adobe-3.0 EPSF-3.0
%%%%BoundingBox: 0 0 100 100
%%%%EndComments
(%s) (w) file closefile
(%%pipe%%touch %s) (r) file closefile
showpage
%%%%EOF
""" % (MARKER.encode(), MARKER.encode())
_SVG = b"""<?xml version="1.0"?>
<!DOCTYPE svg [<!ENTITY secret SYSTEM "file:///etc/hostname">]>
<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100"><text>&secret;</text></svg>
"""
_MVG = b"push graphic-context\nviewbox 0 0 9 9\nfill 'url(https://example.org/\"|touch %s\")'\n" % MARKER.encode()
_ESCAPES = b"\x1b[31m\x1b]0;owned\x07[red]"

OTHERS: dict[str, bytes] = {
    "empty.png": b"",
    "text.png": b"just text\n",
    "escapes.png": _ESCAPES * 100,
    "script.png": b"#!/bin/sh\ntouch " + MARKER.encode() + b"\n",
    "postscript.eps": _EPS,
    "postscript.png": _EPS,
    "postscript for dos.png": b"\xc5\xd0\xd3\xc6" + struct.pack("<6I", 30, len(_EPS), 0, 0, 0, 0) + b"\xff\xff" + _EPS,
    "portable document.pdf": b"%PDF-1.7\n1 0 obj <</OpenAction <</S /Launch /F (touch)>>>> endobj\n%%EOF\n",
    "portable document.png": saved("PDF"),
    "vectors.svg": _SVG,
    "vectors.png": _SVG,
    "commands of imagemagick.png": _MVG,
    "windows metafile.png": b"\xd7\xcd\xc6\x9a" + bytes(100),
    "icon.png": saved("ICO"),
    "targa.png": saved("TGA"),
    "pcx.png": saved("PCX"),
    "jpeg 2000.jpg": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100),
    "photoshop.png": b"8BPS\0\1" + bytes(100),
    "gimp brush.png": struct.pack(">5I", 28, 2, 9, 9, 1) + b"GIMP" + bytes(100),
    "a font.png": b"FONT" + bytes(100),
    "a model.png": MODEL_PATH.read_bytes(),
}

TRUNCATED: dict[str, bytes] = {
    **{
        f"truncated.{kind.lower()}": saved(kind)[: len(saved(kind)) // 2]
        for kind in ("PNG", "BMP", "WEBP", "AVIF", "PPM")
    },
    "truncated.tiff": saved("TIFF")[:2000],
    "truncated.gif": saved("GIF")[:60],
    "truncated.jpeg": saved("JPEG")[:300],
    "only a beginning.png": saved("PNG")[:20],
    "a byte flipped.png": (lambda whole: whole[:60] + bytes([whole[60] ^ 0xFF]) + whole[61:])(saved("PNG")),
    "no pixels.png": png(50, 50, pixels=b""),
    "pixels are no deflate.png": png(50, 50, compressed=b"x" * 50),
    "palette without colours.png": png(50, 50, colour=3, pixels=b""),
    "depth unheard of.png": png(50, 50, depth=7),
}

SIZES: dict[str, bytes] = {
    "zero wide.png": png(0, 50),
    "zero high.png": png(50, 0),
    "zero.gif": b"GIF89a" + bytes(7) + b"," + bytes(9) + b"\2\2L\1\0;",
    "zero.bmp": saved("BMP")[:18] + bytes(8) + saved("BMP")[26:],
    "zero.ppm": b"P5 0 0 255\n",
    "zero.tiff": tiff(0, 0),
    "negative.ppm": b"P5 -5 -5 255\n" + bytes(100),
    "larger than any.png": png(2**31 - 1, 2**31 - 1),
    "400 megapixels.png": png(20_000, 20_000, pixels=bytes(1000)),
    "400 megapixels.ppm": b"P5 20000 20000 255\n",
    "4 gigapixels.gif": b"GIF89a" + struct.pack("<HH", 65535, 65535) + saved("GIF")[10:],
    "400 megapixels.bmp": saved("BMP")[:18] + struct.pack("<ii", 20_000, 20_000) + saved("BMP")[26:],
    "400 megapixels.tiff": tiff(20_000, 20_000),
    "long and thin.png": png(100_000_001, 1),
    "digits without end.ppm": b"P5 " + b"9" * 100_000 + b" 9 255\n",
    "not all there.tiff": tiff(9000, 9000),
    "deflate that never was.tiff": tiff(9000, 9000, compression=8),
    "written at itself.tiff": tiff(50, 50, strip=0, count=2**32 - 1, compression=5),
    "slow plain text.ppm": b"P2 1500 1500 255\n" + b"1 " * 1500 * 1500,
    "slow samples.ppm": b"P6 2000 2000 1000\n" + bytes(2000 * 2000 * 6),
}


# What asks for as much as any picture may take: each may be read or refused, but not beyond that. Made when asked for.
BOMBS: dict[str, Callable[[], bytes]] = {
    "texts that are bombs.png": lambda: with_chunks(*[chunk(b"zTXt", b"a\0\0" + zeros(60))] * 20),
    "international texts that are bombs.png": lambda: with_chunks(*[chunk(b"iTXt", b"a\0\1\0\0\0" + zeros(60))] * 20),
    "many texts.png": lambda: with_chunks(*[chunk(b"tEXt", b"key\0" + b"x" * 500_000)] * 140),
    "many chunks.png": lambda: with_chunks(*[chunk(b"prVt", b"")] * 200_000),
    "colour profile that is a bomb.png": lambda: with_chunks(chunk(b"iCCP", b"a\0\0" + zeros(300))),
    "100 megapixels.png": lambda: png(10_000, 10_000, compressed=zeros(101)),
    "100 megapixels of 64 bits.png": lambda: png(10_000, 10_000, compressed=zeros(801), depth=16, colour=6),
    "100 megapixels.webp": lambda: large("WEBP", "RGB", 12_200, 8100, lossless=True, method=0),
    "100 megapixels.avif": lambda: large("AVIF", "RGBA", 12_200, 8100, speed=10),
    "100 megapixels.gif": lambda: large("GIF", "P", 10_000, 10_000),
    "50 megapixels.jpg": lambda: large("JPEG", "RGB", 8700, 5700),
    "50 megapixels, progressive.jpg": lambda: large("JPEG", "RGB", 8700, 5700, progressive=True),
    "50 megapixels.tiff": lambda: large("TIFF", "RGB", 8700, 5700, compression="tiff_lzw"),
    "scans without end.jpg": lambda: many_scans(5000, 2000),
    "pages without end.tiff": lambda: tiff(50, 50, following=8, count=100) + bytes(2500),
    "2,000 frames.gif": lambda: saved("GIF", save_all=True, append_images=[picture(), picture(60)] * 1000),
    "one very long line.png": lambda: png(100_000_000, 1, pixels=bytes(1000)),
    "as much as is left to slow code.ppm": lambda: b"P2 1000 1000 255\n" + b"1 " * 1000 * 1000,
}


def _annotated(**texts: str) -> bytes:
    notes = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        notes.add_text(key, text)
    return saved("PNG", pnginfo=notes)


def _pages(kind: str) -> bytes:
    return saved(kind, save_all=True, append_images=[Image.new("RGB", (120, 120), 9)] * 3)


# What is odd about these is no reason to refuse them.
READ: dict[str, bytes] = {
    **{
        f"plain.{kind.lower()}": saved(kind)
        for kind in ("PNG", "JPEG", "MPO", "GIF", "BMP", "WEBP", "AVIF", "TIFF", "PPM")
    },
    "another suffix.gif": saved("PNG"),
    "no suffix": saved("JPEG"),
    "animated.gif": _pages("GIF"),
    "animated.png": _pages("PNG"),
    "animated.webp": _pages("WEBP"),
    "pages.tiff": _pages("TIFF"),
    "texts.png": _annotated(Comment="\x1b[31m[red]", Software=f"touch {MARKER}"),
    "exif unheard of.jpg": saved("JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\x63\0\0\0\0\0\0\0"),
    "exif damaged.jpg": saved("JPEG", exif=b"Exif\0\0" + b"\xff" * 50),
    "colour profile damaged.png": saved("PNG", icc_profile=b"x" * 1000),
    "more behind its end.png": saved("PNG") + _EPS,
}

REFUSED: dict[str, bytes] = {**OTHERS, **TRUNCATED, **SIZES}
