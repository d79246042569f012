# make deb: an installable Debian package; sandbox/deb/build.sh says what is in it.
DEB_PACKAGES := dpkg-dev binutils
.PHONY: deb
deb: deps ## a Debian package, in $(OUT)/deb
	$(call need,$(DEB_PACKAGES))
	@$(MAKE) --no-print-directory -j$$(nproc) OUT=$(OUT)/deb-build PREFIX=/usr all
	@sandbox/deb/build.sh $(OUT)/deb-build $(VERSION) $(OUT)/deb
