#!/bin/busybox sh
exec /bin/poweroff
