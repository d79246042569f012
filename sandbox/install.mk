# make install PREFIX=/usr/local DESTDIR=, and make uninstall, which removes exactly what the list says.
INSTALL_DIR := sandbox/install
BASELINE    ?= yes

# SOURCE|DESTINATION|MODE, one a line: the only list of what is installed.
install_rows = \
	$(OUT)/rustbox|$(PREFIX)/bin/rustbox|755 \
	$(OUT)/rustbox-probe|$(PREFIX)/bin/rustbox-probe|755 \
	$(OUT)/rustbox-tui|$(PREFIX)/bin/rustbox-tui|755 \
	$(OUT)/rustbox-ops|$(LIBEXECDIR)/rustbox-ops|755 \
	$(INSTALL_DIR)/rustbox-capture-baseline.sh|$(PREFIX)/bin/rustbox-capture-baseline.sh|755 \
	$(INSTALL_DIR)/rustbox-audit-cleanup.sh|$(PREFIX)/bin/rustbox-audit-cleanup.sh|755 \
	$(foreach u,$(wildcard $(INSTALL_DIR)/*.service $(INSTALL_DIR)/*.timer),$(u)|$(UNITDIR)/$(notdir $(u))|644) \
	$(INSTALL_DIR)/rustbox.tmpfiles|$(PREFIX)/lib/tmpfiles.d/rustbox.conf|644 \
	$(INSTALL_DIR)/rustbox.bash|$(PREFIX)/share/bash-completion/completions/rustbox|644 \
	$(foreach m,$(wildcard probes/*.[1-8] sandbox/*/*.[1-8] tui/*.[1-8] runbooks/*.[1-8]),$(m)|$(MANDIR)/man$(patsubst .%,%,$(suffix $(m)))/$(notdir $(m))|644) \
	$(foreach r,$(wildcard runbooks/*.md runbooks/*/*.yml runbooks/*/*.yaml runbooks/*/*.json),$(r)|$(DATADIR)/$(r)|644)

install: all ## PREFIX=/usr/local, DESTDIR= for packages; BASELINE=no does not capture this host's baseline
	@for row in $(foreach r,$(install_rows),'$(r)'); do \
	  IFS='|' read -r from to mode <<<"$$row"; \
	  case $$to in \
	  *.service|*.timer) mkdir -p "$(DESTDIR)$${to%/*}"; \
	    sed -e 's|@BINDIR@|$(PREFIX)/bin|g; s|@DATADIR@|$(DATADIR)|g' "$$from" >"$(DESTDIR)$$to"; chmod "$$mode" "$(DESTDIR)$$to" ;; \
	  *) install -D -m "$$mode" "$$from" "$(DESTDIR)$$to" ;; \
	  esac; \
	done
	@if [ -z "$(DESTDIR)" ] && [ "$(BASELINE)" = yes ] && [ "$$(id -u)" = 0 ]; then \
	  $(PREFIX)/bin/rustbox-capture-baseline.sh --store --if-missing || echo "no baseline stored" >&2; fi

uninstall: ## removes what install put there; state in /var/lib/rustbox stays
	@for row in $(foreach r,$(install_rows),'$(r)'); do \
	  IFS='|' read -r from to mode <<<"$$row"; rm -f "$(DESTDIR)$$to"; done
	@for d in $(LIBEXECDIR) $(DATADIR)/runbooks/monitoring $(DATADIR)/runbooks $(DATADIR); do \
	  [ ! -d "$(DESTDIR)$$d" ] || rmdir --ignore-fail-on-non-empty "$(DESTDIR)$$d"; done
