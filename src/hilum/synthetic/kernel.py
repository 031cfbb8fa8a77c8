"""The compiled loop under `phantom`: brightness of a chest and its sign at each point of a film, 0 for air and about 1 for the spine.

Everything is a closed formula of the body's coordinates, so a tilted or shifted film is the same formula at other coordinates, and nothing
is resampled. The first film takes a few seconds, while numba compiles; afterwards its cache on disk serves.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hilum.synthetic.anatomy import Anatomy, Plane
from hilum.synthetic.noise_kernel import compiled_fast
from hilum.synthetic.signs import BACTERIAL, COVID, VIRAL, Sign

_SPINE_HALF_WIDTH: Final = 0.085
_HILUM_ASIDE: Final = 0.17
_BONE_STEP: Final = 0.24


@compiled_fast
def ramp(value: float) -> float:
    """A soft step: 0 below 0, 1 above 1, 3v^2 - 2v^3 between."""
    v = min(max(value, 0.0), 1.0)
    return v * v * (3.0 - 2.0 * v)


@compiled_fast
def bump(value: float) -> float:
    """A soft hill of height 1 about 0, gone beyond -1 and 1."""
    rest = max(1.0 - value * value, 0.0)
    return rest * rest


@compiled_fast
def norm(a: float, b: float) -> float:
    """Length of (a, b); quicker than `math.hypot`, which guards against overflow."""
    return math.sqrt(a * a + b * b)


@compiled_fast
def rib(phase: float, width: float) -> float:
    """A rib's profile over one spacing: a soft band, brighter at its two borders, as bone is."""
    at = abs(phase - math.floor(phase) - 0.5) * 2.0 / width
    band = min(max((1.12 - at) / _BONE_STEP, 0.0), 1.0)
    return band * (0.62 + 0.38 * bump((at - 0.85) / 0.35))


@compiled_fast
def lung_edges(body: Anatomy, height: float) -> tuple[float, float]:
    """Distance of a lung's outer and inner edge from the midline; height 0 at the apex, 1 at the base."""
    top = 0.25
    outer = 1.0 - min(height / 0.78, 1.0)
    lateral = top + (body.lung_half_width - top) * math.sqrt(1.0 - outer * outer * (0.4 + 0.6 * outer))
    medial = 0.10
    if height < 0.20:
        inner = 1.0 - height / 0.20
        medial += (top - 0.10) * (1.0 - math.sqrt(1.0 - inner * inner))
    return lateral, medial


@compiled_fast
def centre_half_width(body: Anatomy, y: float, left: bool, dome: float) -> float:
    """How far heart, great vessels and spine reach from the midline, on one side, at a height."""
    down = min(max((y - body.heart_top_y) / (dome - body.heart_top_y), 0.0), 1.15)
    if not left:
        return 0.125 + 0.03 * bump((y + 0.45) / 0.35) + body.heart_right * bump((down - 0.72) / 0.75)
    up = 1.0 - min(down, 1.0)
    heart = (
        (body.heart_left - 0.12)
        * (1.0 - up * up * (0.6 + 0.4 * up))
        * (1.0 - 0.25 * bump((down - 1.15) / 0.3))
    )
    return 0.12 + body.knob * bump((y + 0.34) / 0.12) + body.trunk * bump((y + 0.16) / 0.12) + heart


@compiled_fast
def bones(body: Anatomy, aside: float, y: float, lateral: float, below: float) -> float:
    """Back and front parts of the ribs, clavicle, head of the humerus."""
    bright = 0.0
    wall = ramp((lateral + 0.05 - aside) / 0.05) * ramp((y - body.apex_y) / 0.08 + 0.2)
    wall *= (1.0 - 0.65 * ramp(below / 0.15)) * ramp((aside - 0.07) / 0.06)
    if wall > 0.0:
        back = (y - body.rib_bend * (aside - 0.22) ** 2) / body.rib_spacing + body.rib_phase
        front = (y + 0.95 * aside - 0.35 * aside * aside) / (1.12 * body.rib_spacing) + 1.7 * body.rib_phase
        rim = 0.55 + 0.75 * (aside / max(lateral, 0.3)) ** 2
        bright += wall * (rib(back, 0.42) * rim + 0.45 * rib(front, 0.55) * ramp((aside - 0.24) / 0.2))
    if abs(y - body.clavicle_y) < 0.3 and 0.08 < aside < 0.76:
        at = body.clavicle_y - body.clavicle_fall * aside + 0.10 * (1.0 - (aside / 0.374 - 1.0) ** 2)
        along = ramp((0.76 - aside) / 0.1) * ramp((aside - 0.08) / 0.05)
        bright += 1.1 * along * ramp((0.036 - abs(y - at)) / 0.018 + 0.2)
    if aside > 0.55:
        bright += 0.35 * ramp((0.20 - norm(0.8 * (aside - 0.84), 0.42 * (y + 0.22))) / 0.03)  # shoulder blade
        bright += 0.8 * ramp((0.13 - norm(aside - 0.95, y + 0.60)) / 0.05)
    return body.rib_contrast * bright


@compiled_fast
def about_hilum(aside: float, y: float, streaks: Plane) -> tuple[float, float]:
    """Distance from the hilum, and the patient's noise at (angle, distance) about it."""
    dx, dy = aside - _HILUM_ASIDE, y
    r = math.sqrt(dx * dx + dy * dy)
    turn = 1.0 - dx / (abs(dx) + abs(dy) + 1e-6)  # an angle's stand-in: 0 outwards, 2 inwards
    turn = 2.0 + turn if dy > 0 else 2.0 - turn
    n_turn, n_r = streaks.shape
    row, column = min(int(turn * n_turn / 4.0), n_turn - 1), min(int(r * n_r / 1.1), n_r - 1)
    return r, streaks[row, column]


@compiled_fast
def ground_glass(patches: NDArray[np.float32], side: float, aside: float, y: float, ragged: float) -> float:
    """The haze of all patches of a side, 0 to 1."""
    haze = 0.0
    for n in range(patches.shape[0]):
        if patches[n, 0] == side:
            u, v = (aside - patches[n, 1]) / patches[n, 3], (y - patches[n, 2]) / patches[n, 4]
            far = u * u + v * v
            haze += patches[n, 5] / (1.0 + far * far)
    return ramp(haze * (1.0 + 0.28 * ragged) - 0.12)


@compiled_fast
def consolidation(
    lobe: NDArray[np.float32],
    side: float,
    aside: float,
    y: float,
    outward: float,
    ragged: float,
    r: float,
    streak: float,
) -> float:
    """The filling of a lobe, 0 to 1: cut off at the fissure, fading away from it, its bronchi dark."""
    if lobe[0] != side:
        return 0.0
    away = lobe[1] * (y - lobe[2] - lobe[3] * (aside - 0.4))
    fill = ramp(away / 0.022 + 0.5) * ramp((lobe[4] * (1.0 + 0.22 * ragged) - away) / 0.22 + 0.4)
    fill *= ramp((outward - lobe[5]) / 0.25 + 0.3) * ramp((lobe[6] - outward) / 0.3 + 0.3)
    bronchi = max(1.0 - abs(streak - 0.4) * 5.0, 0.0) * min(max(1.1 - r * 2.2, 0.0), 1.0)
    return fill * (1.0 - 0.55 * bronchi)


@compiled_fast
def interstitial(reach: float, r: float, streak: float, net: float, fine: float) -> float:
    """Streaks outwards from the hilum and a net between them, 0 to about 1.4."""
    streaks = max(1.0 - abs(streak + 0.9 * fine) * 2.0, 0.0)
    meshes = max(1.0 - abs(net) * 1.8, 0.0)
    return (0.8 * streaks + 0.65 * meshes + 0.25) / (1.0 + (r / reach) ** 2)


@compiled_fast
def around_lungs(
    body: Anatomy, x: float, y: float, lateral: float, below: float, centre: float, dome_top: float
) -> float:
    """Brightness of all but what lies in the lungs: soft tissue, spine with the trachea before it, bones, breast, the stomach's gas."""
    aside = abs(x)
    tissue = 0.45 + body.fat + 0.10 * ramp((aside - lateral) / 0.25)
    tissue += 0.20 * ramp(below / 0.22 + 0.1) * (1.0 - 0.4 * centre) + 0.19 * centre
    if aside < _SPINE_HALF_WIDTH:
        disc = 0.8 + 0.2 * math.sin(y * 6.3 / (0.8 * body.rib_spacing))
        tissue += 0.065 * ramp((_SPINE_HALF_WIDTH - aside) / 0.05) * disc
        tissue -= 0.09 * ramp((0.045 - abs(x + 0.01)) / 0.03 + 0.3) * ramp((-0.20 - y) / 0.08)  # trachea
    tissue += bones(body, aside, y, lateral, below)
    if body.breast > 0.0:
        tissue += body.breast * ramp((0.30 - norm(0.95 * (aside - 0.46), 0.85 * (y - 0.36))) / 0.10 + 0.5)
    if body.gas > 0.0 and x > 0.1:
        tissue -= 0.22 * ramp((body.gas - norm(x - 0.36, 1.5 * (y - dome_top - 0.16))) / 0.06 + 0.5)
    return tissue


@compiled_fast
def within_lungs(body: Anatomy, aside: float, y: float, depth: float, r: float, streak: float) -> float:
    """What a lung adds to the tissue around it: vessels, the hilum, and less than nothing for its air."""
    vessel = min(max(1.2 - abs(streak) * 2.4, 0.0), 1.0)
    vessel *= vessel * ramp(r / 0.16) / (1.0 + (r / 0.30) ** 2)
    hilum = 0.0
    if r < 0.25:
        hilum = bump(norm(aside - _HILUM_ASIDE, 0.7 * y) / 0.17) * (1.0 + 0.35 * streak)
    shallow = 1.0 - min(max(depth / 0.34, 0.0), 1.0)
    air = 0.37 * (1.0 - 0.55 * shallow * shallow)
    return body.vessels * vessel + 0.10 * hilum - air


@compiled_fast
def render(
    body: Anatomy,
    streaks: Plane,
    placing: tuple[float, float, float, float, float],
    sign: Sign,
    planes: tuple[Plane, Plane, Plane],
) -> None:
    """Fill three planes, (size, size) each: the healthy film, the share of lung, what the sign adds.

    `placing` is (cos, sin, nearness, right, down) of the body on the film.
    """
    absorption, lung_share, brightening = planes
    size = absorption.shape[0]
    cos, sin, nearness, right, down = placing
    zoom = nearness * body.scale
    for i in range(size):
        fy = 2.0 * i / (size - 1) - 1.0
        for j in range(size):
            fx = 2.0 * j / (size - 1) - 1.0
            y = (fy * cos - fx * sin) / zoom - down
            x = (fx * cos + fy * sin) / zoom - right - 2.6 * body.scoliosis * y * (1.0 - y * y)
            aside, left = abs(x), x > 0
            dome_top = body.left_dome_y if left else body.right_dome_y
            below = y - dome_top - 1.15 * (aside - 0.33) ** 2
            short = max(0.40 - aside, 0.0)
            top = body.shoulder_y - 2.6 * short * math.sqrt(short) + 0.40 * max(aside - 0.40, 0.0) ** 2
            skin = ramp((body.body_half_width + 0.12 * y * y - aside) / 0.10) * ramp((y - top) / 0.08 + 0.4)
            if skin == 0.0:
                absorption[i, j] = lung_share[i, j] = brightening[i, j] = 0.0
                continue
            height = min(max((y - body.apex_y) / (body.base_y - body.apex_y), 0.0), 1.15)
            lateral, medial = lung_edges(body, height)
            depth = min(lateral - aside, aside - medial, -below)
            half_width = centre_half_width(body, y, left, dome_top)
            centre = ramp((half_width - aside) / 0.075 + 0.35)
            lung = ramp(depth / 0.035 + 0.3) * (1.0 - 0.94 * centre)
            tissue = around_lungs(body, x, y, lateral, below, centre, dome_top)
            added = 0.0
            if lung > 0.0:
                r, streak = about_hilum(aside, y, streaks)
                tissue += lung * within_lungs(body, aside, y, depth, r, streak)
                outward = min(max((aside - medial) / max(lateral - medial, 0.05), 0.0), 1.0)
                side = 1.0 if left else 0.0
                if sign.kind == COVID:
                    haze = ground_glass(sign.shape, side, aside, y, sign.texture[i, j])
                    added = haze * (0.45 + 0.55 * outward)
                elif sign.kind == BACTERIAL:
                    added = consolidation(
                        sign.shape[0], side, aside, y, outward, sign.texture[i, j], r, streak
                    )
                elif sign.kind == VIRAL:
                    added = interstitial(sign.shape[0, 0], r, streak, sign.texture[i, j], sign.fine[i, j])
            absorption[i, j] = tissue * skin
            lung_share[i, j] = lung
            brightening[i, j] = sign.strength * added * lung * skin


@compiled_fast
def develop(
    absorption: Plane,
    brightening: Plane,
    uneven: Plane,
    grain: Plane,
    gain: float,
    tone: Plane,
    out: NDArray[np.uint8],
) -> None:
    """Expose a film: brightness times gain plus the uneven field, through the tone curve, plus grain.

    `tone` holds greys, 0 to 255, for brightness 0 to 1 in equal steps.
    """
    last = tone.shape[0] - 1
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            light = (absorption[i, j] + brightening[i, j]) * gain + uneven[i, j]
            grey = tone[int(min(max(light, 0.0), 1.0) * last + 0.5)] + grain[i, j]
            out[i, j] = np.uint8(min(max(grey + 0.5, 0.0), 255.0))
