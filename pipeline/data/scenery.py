"""Who is in a drawn picture and where: signers with their hands, clothes and light, and what is behind them.

Two styles: `studio` plays RWTH's part (plain light walls, dark sleeves, even light), `wild` HaGRID's.
Colours are linear RGB.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from pipeline.chance import stream
from pipeline.data.hand_model import LOOSENESS, NUM_ANGLES, Anatomy, make_anatomy
from pipeline.data.shading import Look

STYLES = ("studio", "wild")
# Skin from light to dark; between them, colours are interpolated by their logarithm.
_LIGHT_SKIN, _DARK_SKIN = np.array([0.66, 0.38, 0.27]), np.array([0.105, 0.045, 0.026])


@dataclass(frozen=True)
class Signer:
    """One person: the hand's anatomy, the look it is drawn with, the wall behind, habits as degrees per joint angle."""

    anatomy: Anatomy
    look: Look
    wall: np.ndarray
    habits: np.ndarray


def make_signer(style, seed, number):
    """Return the Signer with this number, which depends on nothing else."""
    chance = stream(seed, "signer", style, number)
    anatomy = make_anatomy(
        size=chance.uniform(0.9, 1.08),
        breadth=chance.uniform(0.92, 1.08),
        finger_length=chance.uniform(0.92, 1.06),
        thickness=chance.uniform(0.92, 1.1),
    )
    wall = chance.uniform(0.55, 0.85) * (1 + chance.uniform(-0.05, 0.05, 3))
    return Signer(anatomy, _make_look(style, chance), wall, chance.normal(0, 3, NUM_ANGLES) * LOOSENESS)


def _make_look(style, chance):
    share = chance.uniform(0, 0.45 if style == "studio" else 0.9)
    skin = np.exp((1 - share) * np.log(_LIGHT_SKIN) + share * np.log(_DARK_SKIN)) * (1 + chance.uniform(-0.06, 0.06, 3))
    nail = skin * 0.6 + np.array([0.3, 0.19, 0.16])
    cloth = chance.uniform(0.005, 0.03) * np.ones(3) if style == "studio" else chance.uniform(0.02, 0.6, 3)
    start = chance.uniform(25, 55) if style == "studio" else chance.choice([30, 60, 250])
    light, lamp = _lamp(0.35, chance.uniform(0.75, 0.9), chance)
    return Look(_single(skin), _single(nail), _single(cloth), light, lamp, ambient=0.5, sleeve_start=start)


def relight(look, chance):
    """Return the same person in another light, as in another photograph."""
    light, lamp = _lamp(0.8, chance.uniform(0.45, 1.05), chance)
    return replace(look, light=light, lamp=lamp, ambient=chance.uniform(0.3, 0.6))


def _lamp(variety, strength, chance):
    """Direction and colour of a lamp above the viewer; `variety` says how much both differ from the usual."""
    direction = np.array([-0.3, -0.5, 0.75]) + variety * chance.uniform(-1, 1, 3) * np.array([1, 0.6, 0.3])
    warmth = 1 + variety * chance.uniform(-0.18, 0.18) * np.array([1, 0.1, -1])
    return _single(direction / np.linalg.norm(direction)), _single(strength * warmth)


def _single(numbers):
    return np.asarray(numbers, np.float32)


def draw_wall(wall, size):
    """Return a plain background (size, size, 3) that fades a little downwards and to the sides."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size - 0.5
    return _single(wall) * (1 - 0.15 * y - 0.25 * (x * x + y * y))[..., None]


def draw_clutter(size, chance):
    """Return a coloured, blurred background (size, size, 3) with things in it, as in a room out of focus."""
    base = chance.uniform(0.05, 0.7) * (1 + chance.uniform(-0.35, 0.35, 3))
    coarse = _single(base * chance.uniform(0.5, 1.5, (4, 4, 1)) * chance.uniform(0.85, 1.15, (4, 4, 3)))
    image = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    for _ in range(chance.integers(3, 9)):
        colour = (base * chance.uniform(0.2, 1.6) + chance.uniform(0, 0.25) * chance.uniform(0.2, 1, 3)).tolist()
        corner, extent = chance.integers(-size // 4, size, 2), chance.integers(size // 10, size // 2, 2)
        if chance.random() < 0.6:
            cv2.rectangle(image, corner.tolist(), (corner + extent).tolist(), colour, -1)
        else:
            cv2.ellipse(image, corner.tolist(), (extent // 2).tolist(), chance.uniform(0, 180), 0, 360, colour, -1)
    image = cv2.GaussianBlur(image, (0, 0), size * chance.uniform(0.008, 0.03))
    return np.clip(image, 0.01, 1)
