# make deb: an installable Debian package; sandbox/deb/build.sh says what is in it.
DEB_PACKAGES := dpkg-dev binutils
DEB_BUILD    := $(OUT)/deb-build
.PHONY: deb
# Objects that do not know where they will be installed are the ones of $(OUT): they are copied, with their times.
deb: deps all ## a Debian package, in $(OUT)/deb
	$(call need,$(DEB_PACKAGES))
	@mkdir -p $(DEB_BUILD)
	@tar -C $(OUT) -cf - $$(cd $(OUT) && find probes sandbox tui -name '*.[od]') flags prefix | tar -C $(DEB_BUILD) -xf -
	@find $(DEB_BUILD) -name '*.d' -exec sed -i 's|$(OUT)/|$(DEB_BUILD)/|g' {} +
	@$(MAKE) --no-print-directory -j$$(nproc) OUT=$(DEB_BUILD) PREFIX=/usr all
	@sandbox/deb/build.sh $(DEB_BUILD) $(VERSION) $(OUT)/deb
