"""Files and databases -> raw tables; import the module that is meant (`load`, `warehouse`, `definitions` ...)."""
