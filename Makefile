# placeholder; see the helper's version
