# The pictures of the README and the manual; tests/screenshots/shoot.c says how they are taken.
PICTURE_PACKAGES := xvfb xterm imagemagick fonts-dejavu-core
SHOOT := $(OUT)/tests/screenshots/shoot
SHOOT_OBJ := $(OUT)/tests/screenshots/shoot.o $(OUT)/tests/screenshots/recorder.o
$(SHOOT): $(SHOOT_OBJ) $(call objects,$(HARNESS_SRC)) $(LIBS)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(SHOOT_OBJ) $(call objects,$(HARNESS_SRC)) -Wl,--start-group $(LIBS) -Wl,--end-group $(TEST_LIBS)

.PHONY: screenshots-text
screenshots: test-deps ## play the scenes on real faults in a real terminal: PNG, text and casts (SCENES="p2 main")
	$(call need,$(PICTURE_PACKAGES))
	@$(MAKE) --no-print-directory -j$$(nproc) all $(SHOOT)
	@tests/screenshots/run.sh $(OUT) $(SCENES)
	@$(MAKE) --no-print-directory screenshots-text

screenshots-text: all ## write screenshots/*.txt anew from the recordings, after a view has changed
	@rm -f screenshots/*.txt
	@tests/screenshots/text.sh $(OUT)/rustbox-tui screenshots
