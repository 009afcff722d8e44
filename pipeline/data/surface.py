"""A depth buffer of round cones that melt into each other where they touch: what hands are drawn from.

Screen coordinates are pixels, x right, y down, z towards the viewer.
"""

import numpy as np

BACKGROUND_DEPTH = np.float32(-1e6)
# Channels of the surface beside its depth: normal (3), linear colour (3), share of skin against cloth.
NORMAL, COLOUR, SKIN = slice(0, 3), slice(3, 6), 6


class Surface:
    """A square depth buffer with the surface's channels, to which round cones are added one by one."""

    def __init__(self, size):
        self.size = size
        self.depth = np.full((size, size), BACKGROUND_DEPTH, np.float32)
        self.channels = np.zeros((7, size, size), np.float32)

    def add(self, start, end, paint, blend):
        """Blend in the cone between the spheres start and end, float32 (x, y, z, radius) in pixels.

        paint(along, normal) returns its linear colour (3, h, w) at the share `along` of the axis, and 1 for skin or
        0 for cloth; blend is the depth in pixels over which surfaces melt into each other, or a function of `along`.
        """
        start, end = np.asarray(start, np.float32), np.asarray(end, np.float32)
        box = self._box(start, end)
        rows, columns = (np.arange(side.start, side.stop, dtype=np.float32) for side in box)
        depth, normal, along = _round_cone(start, end, columns[None], rows[:, None])
        width = np.float32(blend) if np.isscalar(blend) else blend(along)
        below, channels = self.depth[box], self.channels[(slice(None), *box)]
        share = np.where(depth > BACKGROUND_DEPTH, np.clip(0.5 + 0.5 * (depth - below) / width, 0, 1), 0)
        # Smooth maximum of two depths, polynomial form: exact outside the blending width.
        melted = depth - (1 - share) * (depth - below) + width * share * (1 - share)
        self.depth[box] = np.where(share > 0, melted, below)
        colour, skin = paint(along, normal)
        channels[NORMAL] += share * (normal - channels[NORMAL])
        channels[COLOUR] += share * (colour - channels[COLOUR])
        channels[SKIN] += share * (skin - channels[SKIN])

    def _box(self, start, end):
        low = np.floor(np.minimum(start[:2] - start[3], end[:2] - end[3])).astype(int)
        high = np.ceil(np.maximum(start[:2] + start[3], end[:2] + end[3])).astype(int) + 1
        (left, top), (right, bottom) = np.clip(low, 0, self.size), np.clip(high, 0, self.size)
        return slice(top, bottom), slice(left, right)


def _round_cone(start, end, x, y):
    """Depth (h, w), normal (3, h, w) and share of the axis (h, w) of the hull of two spheres, seen along z.

    The surface is the envelope of spheres c(t), r(t): depth(t) = z(t) + sqrt(Q(t)), Q = r² - |p - c|² is a parabola,
    so the t of the largest depth has a closed form; clamping it to [0, 1] is exact because depth(t) is concave.
    """
    dx, dy, dz, dr = end - start
    px, py = x - start[0], y - start[1]
    # Q(t) = a t² + 2 b t + c; when the axis points at the viewer, a is kept just negative.
    a = np.minimum(dr * dr - dx * dx - dy * dy, np.float32(-0.05))
    b = start[3] * dr + px * dx + py * dy
    discriminant = np.maximum(b * b - a * (start[3] * start[3] - px * px - py * py), 0)
    along = np.clip((-dz * np.sqrt(discriminant / (dz * dz - a)) - b) / a, 0, 1)
    radius = start[3] + along * dr
    nx, ny = px - along * dx, py - along * dy
    height = radius * radius - nx * nx - ny * ny
    nz = np.sqrt(np.maximum(height, 0))
    depth = np.where(height > 0, start[2] + along * dz + nz, BACKGROUND_DEPTH)
    return depth, np.stack([nx, ny, nz]) / radius, along
