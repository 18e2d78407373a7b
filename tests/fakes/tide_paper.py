"""A made-up paper of some pages, with all that stands around the prose of one."""

from __future__ import annotations

from typing import Final

PAGES: Final = (
    """Proceedings of the Coastal Workshop

How Far Does a Tide Gate Reach?

Ida Berg, Tomas Hale

Institute of Coastal Studies, Northport
{ida.berg,tomas.hale}@coast.example.org

Abstract

Tide gates keep salt water out of low fields, but they also keep fish in the ditches
behind them. We measured the salt and counted the eels above and below nine gates for
two years. The gates that open for one hour in each tide let four fifths of the eels
pass, while the fields stayed as dry as behind gates that never open.

Keywords: tide gate, eel, salt marsh, drainage

1. Introduction

Low fields along the northern coast have been drained through tide gates since the
eighteenth century. A tide gate is a door that the rising sea pushes shut and that the
falling sea lets open again.1 Farmers depend on them, and nobody wishes them away.
However, this is not the whole story.

1 The oldest gate that still works was built in 1782.

Page 1 of 3""",
    """Proceedings of the Coastal Workshop

Figure 1. The nine gates on the map of the coast; numbers are those of Table 1.

Eels need to pass a gate twice in their lives, once as young fish that come from the
sea, and once as grown ones that leave for it. Older studies counted the eels that were
caught in nets beside the gates, which

Table 1: Gates, their width and the hours for which they open.
1 2.4 0 1782
2 3.1 1 1904
3 2.8 1 1911

tells little about those that turned back before they reached the net.

2. Method

Every gate had a salt probe on either side and a camera under its sill. The cameras took
a picture every four seconds, and two people counted the eels in the pictures without
knowing which gate they came from. We opened five of the gates for one hour in each
tide and left four of them shut.

Page 2 of 3""",
    """Proceedings of the Coastal Workshop

3. Results

Eels passed the open gates on nine days out of ten, and mostly at night. Behind the shut
gates the cameras saw eels that waited for hours and then swam back. Salt rose in the
first forty metres of the ditches behind the open gates, and nowhere else. The yield of
the fields did not differ between the two kinds of gates in either year.

4. Conclusions

Opening a tide gate for one hour in each tide brings back most of the eels and costs the
farmers nothing that we could measure. The drainage board has decided to open twenty
more gates next spring.

References

[1] A. Stone. Gates of the northern marshes. Northern Press, 1998.
[2] B. Reed and C. Lane. Eels in ditches. International Journal of Fish 12, 2004.

Page 3 of 3""",
)
