#!/bin/sh
# Chromium on one local page, as large as the screen, without questions and without network:
#   sh browser.sh PAGE
page=$(readlink -f "$1")
# Everything that would make it talk to somebody, ask something or draw by itself is off.
# Its sandbox needs what containers and the superuser do not have.
exec chromium --no-sandbox --test-type --disable-gpu --disable-quic \
    --no-first-run --no-default-browser-check --disable-background-networking \
    --disable-component-update --disable-sync --disable-default-apps --disable-extensions \
    --disable-domain-reliability --disable-breakpad --disable-translate \
    --disable-features=Translate,MediaRouter,OptimizationHints \
    --proxy-server=127.0.0.1:9 --password-store=basic --use-mock-keychain \
    --disable-smooth-scrolling --force-device-scale-factor=1 --hide-crash-restore-bubble \
    --log-level=3     --user-data-dir="$HOME/browser" --window-position=0,0 --window-size=1280,800 \
    --app="file://$page"
