"""Pictures made like MNIST: every file format, polarity and place, and MNIST's own images left as they are."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from tiers import slow

from mnist_cli.datasets.dataset import Dataset
from mnist_cli.errors import PictureError
from mnist_cli.pictures.preparation import Prepared, prepare_file


@pytest.fixture(scope="module")
def seven(mnist: Dataset) -> np.ndarray:
    """The first test image, a 7: uint8 (28, 28)."""
    assert mnist.test.labels[0] == 7
    return mnist.test.images[0]


def photo(digit: np.ndarray, scale: int = 10, at: tuple[int, int] = (300, 40), size: int = 640) -> np.ndarray:
    """The digit in black on a large white page, off centre."""
    page = np.full((size, size), 255, np.uint8)
    large = np.kron(digit, np.ones((scale, scale), np.uint8))
    page[at[0] : at[0] + large.shape[0], at[1] : at[1] + large.shape[1]] -= large
    return page


def saved(image: Image.Image, folder: Path, suffix: str = ".png", **options: object) -> Path:
    path = folder / f"digit{suffix}"
    image.save(path, **options)
    return path


def likeness(prepared: Prepared, digit: np.ndarray) -> float:
    """The correlation of the pixels with the original's."""
    (pixels,) = prepared.pixels
    return float(np.corrcoef(pixels.ravel(), digit.ravel())[0, 1])


@pytest.mark.parametrize("every", [25, slow(1)], ids=["sample", "all"])
def test_every_test_image_of_mnist_comes_through_unchanged(every: int, mnist: Dataset, tmp_path: Path):
    path = tmp_path / "digit.png"
    for image in mnist.test.images[::every]:
        Image.fromarray(image).save(path)
        assert np.array_equal(prepare_file(path).pixels, [image])


def test_a_small_digit_in_a_corner_is_brought_to_the_middle(seven: np.ndarray, tmp_path: Path):
    corner = np.zeros((28, 28), np.uint8)
    corner[:14, :14] = seven[::2, ::2]

    prepared = prepare_file(saved(Image.fromarray(corner), tmp_path))

    assert likeness(prepared, seven) > 0.8
    assert "centred by mass" in prepared.steps


@pytest.mark.parametrize("dark_on_light", [True, False])
def test_both_polarities_give_the_same(dark_on_light: bool, seven: np.ndarray, tmp_path: Path):
    page = photo(seven) if dark_on_light else 255 - photo(seven)

    prepared = prepare_file(saved(Image.fromarray(page), tmp_path))

    assert likeness(prepared, seven) > 0.97
    assert ("ink found dark on light" in prepared.steps) == dark_on_light


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "P", "CMYK", "I;16", "F", "I"])
def test_every_mode_is_read(mode: str, seven: np.ndarray, tmp_path: Path):
    grey = Image.fromarray(photo(seven))
    wide = Image.fromarray(photo(seven).astype(np.uint16) * 257)
    image = wide if mode == "I;16" else grey.convert(mode)

    assert likeness(prepare_file(saved(image, tmp_path, ".tiff")), seven) > 0.93


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jfif", ".gif", ".bmp", ".webp", ".avif", ".tiff", ".ppm"])
def test_every_format_is_read(suffix: str, seven: np.ndarray, tmp_path: Path):
    image = Image.fromarray(photo(seven)).convert("RGB")

    assert likeness(prepare_file(saved(image, tmp_path, suffix)), seven) > 0.96


@pytest.mark.parametrize("ink", [(0, 0, 0), (255, 255, 255), (40, 60, 200)])
def test_ink_of_any_brightness_on_a_transparent_page(ink: tuple[int, int, int], seven: np.ndarray, tmp_path: Path):
    alpha = 255 - photo(seven)
    pixels = np.dstack([np.full_like(alpha, level) for level in ink] + [alpha])

    assert likeness(prepare_file(saved(Image.fromarray(pixels), tmp_path)), seven) > 0.97


def test_a_picture_is_turned_as_its_exif_says(seven: np.ndarray, tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter to the right to see it upright
    lying = Image.fromarray(photo(seven)).transpose(Image.Transpose.ROTATE_90)

    prepared = prepare_file(saved(lying, tmp_path, ".jpg", exif=exif))

    assert likeness(prepared, seven) > 0.97
    assert "turned upright by EXIF" in prepared.steps


@pytest.mark.parametrize("orientation", [0, 1, 9])
def test_nothing_is_turned_without_need(orientation: int, seven: np.ndarray, tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    prepared = prepare_file(saved(Image.fromarray(photo(seven)), tmp_path, ".jpg", exif=exif))

    assert likeness(prepared, seven) > 0.97
    assert "turned upright by EXIF" not in prepared.steps


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_put_right(orientation: int, seven: np.ndarray, tmp_path: Path):
    """Pillow's own way of turning a picture upright is the reference."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(Image.fromarray(photo(seven)), tmp_path, ".jpg", exif=exif)
    turned = tmp_path / "turned.png"
    with Image.open(path) as image:
        ImageOps.exif_transpose(image).save(turned)

    assert np.array_equal(prepare_file(path).pixels, prepare_file(turned).pixels)


def test_thin_strokes_and_wide_shapes_keep_their_proportions(tmp_path: Path):
    page = np.full((400, 300), 255, np.uint8)
    page[50:350, 140:160] = 0

    (pixels,) = prepare_file(saved(Image.fromarray(page), tmp_path)).pixels

    rows, columns = np.nonzero(pixels > 128)
    assert np.ptp(rows) + 1 == 20
    assert np.ptp(columns) + 1 in (2, 3)  # thickened to what the network knows
    assert 13.5 <= columns.mean() <= 14.5


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_page_shows_no_ink(level: int, tmp_path: Path):
    prepared = prepare_file(saved(Image.new("L", (300, 300), level), tmp_path))

    assert len(prepared.pixels) == 0
    assert prepared.steps == ("no ink found",)


def test_a_blank_page_of_16_bits_shows_no_ink_either(tmp_path: Path):
    noise = np.random.default_rng(0).integers(60_000, 60_050, (300, 300)).astype(np.uint16)

    assert len(prepare_file(saved(Image.fromarray(noise), tmp_path)).pixels) == 0


def test_images_of_mnist_in_16_bits_come_through_unchanged(mnist: Dataset, tmp_path: Path):
    for image in mnist.test.images[:100]:
        wide = Image.fromarray(image.astype(np.uint16) * 257)
        assert np.array_equal(prepare_file(saved(wide, tmp_path)).pixels, [image])


def png_bytes(digit: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(photo(digit)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda whole: b"", "empty"),
        (lambda whole: b"just text\n", "not a picture"),
        (lambda whole: whole[: len(whole) // 2], "damaged"),
        (lambda whole: whole[:20], "not a picture|damaged"),
        (lambda whole: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (lambda whole: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (lambda whole: b"P5 20000 20000 255\n", "too many"),
    ],
)
def test_what_is_no_picture_is_refused(content, message: str, seven: np.ndarray, tmp_path: Path):
    (tmp_path / "digit.png").write_bytes(content(png_bytes(seven)))

    with pytest.raises(PictureError, match=message):
        prepare_file(tmp_path / "digit.png")


@pytest.mark.parametrize("values", [(-3e38, 3e38), (0.0, 1e-30), (5.0, 5.0)])
def test_floats_of_any_range_are_read(values: tuple[float, float], tmp_path: Path):
    pixels = np.full((60, 60), values[0], np.float32)
    pixels[20:40, 28:32] = values[1]

    prepared = prepare_file(saved(Image.fromarray(pixels), tmp_path, ".tiff"))

    assert (len(prepared.pixels) == 0) == (values[0] == values[1])


def test_pixels_that_are_no_numbers_are_refused(tmp_path: Path):
    pixels = np.zeros((50, 50), np.float32)
    pixels[3, 3] = np.nan

    with pytest.raises(PictureError, match="not numbers"):
        prepare_file(saved(Image.fromarray(pixels), tmp_path, ".tiff"))


def test_a_picture_of_too_many_digits_says_so(mnist: Dataset, tmp_path: Path):
    page = np.full((800, 800), 255, np.uint8)
    for index, image in enumerate(mnist.test.images[:25]):
        row, column = divmod(index, 5)
        page[row * 160 + 40 : row * 160 + 124, column * 160 + 40 : column * 160 + 124] = 255 - np.kron(
            image, np.ones((3, 3), np.uint8)
        )

    assert prepare_file(saved(Image.fromarray(page), tmp_path)).steps[-1].startswith("more than 24 digits found")


def test_a_folder_without_pictures_says_so(tmp_path: Path):
    with pytest.raises(PictureError, match="no pictures in this folder"):
        prepare_file(tmp_path)
