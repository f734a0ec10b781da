# The handful of things that people do here. `make help` lists them.
PYTHON ?= /usr/bin/python3
DEVCLOUD = $(PYTHON) -m devcloud

.PHONY: help devcloud devcloud-status devcloud-down devcloud-wipe

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

devcloud:  ## bring up a real OpenStack on this machine
	@$(DEVCLOUD) up

devcloud-status:  ## each service of it, up or not, with its log file
	@$(DEVCLOUD) status

devcloud-down:  ## stop it; its state stays
	@$(DEVCLOUD) down

devcloud-wipe:  ## stop it and remove its state
	@$(DEVCLOUD) wipe
