"""The main job on real packets: `python3 -m demo` from tests/, which `./run demo` calls."""
