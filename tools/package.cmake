# What is installed, and the packages made of it: cmake --install build/release, cpack --config build/release/CPackConfig.cmake.
include(GNUInstallDirs)

# Manual pages and completions are what the program says of itself.
set(pages ${CMAKE_BINARY_DIR}/share)
set(scripts ${pages}/bash-completion/completions/mcompress ${pages}/zsh/vendor-completions/_mcompress ${pages}/fish/vendor_completions.d/mcompress.fish)
add_custom_command(OUTPUT ${pages}/man/man1/mcompress.1 ${scripts}
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${pages}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${pages}/bash-completion/completions ${pages}/zsh/vendor-completions ${pages}/fish/vendor_completions.d
  COMMAND mcompress man --folder ${pages}/man/man1
  COMMAND mcompress completions bash > ${pages}/bash-completion/completions/mcompress
  COMMAND mcompress completions zsh > ${pages}/zsh/vendor-completions/_mcompress
  COMMAND mcompress completions fish > ${pages}/fish/vendor_completions.d/mcompress.fish
  DEPENDS mcompress)
add_custom_target(mcompress_pages ALL DEPENDS ${pages}/man/man1/mcompress.1)

install(TARGETS mcompress RUNTIME COMPONENT program)
install(DIRECTORY ${pages}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT program)
install(DIRECTORY ${pages}/bash-completion ${pages}/zsh ${pages}/fish DESTINATION ${CMAKE_INSTALL_DATADIR} COMPONENT program)
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
install(FILES LICENSE RENAME copyright DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program FILES_MATCHING PATTERN "*.md")
install(DIRECTORY examples/digits examples/consumer DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT development)

set(CPACK_GENERATOR TGZ DEB)
set(CPACK_PACKAGE_NAME mcompress)
set(CPACK_PACKAGE_VENDOR "mcompress authors")
# The repository names no address that answers: who hands packages on puts their own here (-DCPACK_PACKAGE_CONTACT=...).
set(CPACK_PACKAGE_CONTACT "mcompress authors <mcompress@localhost>" CACHE STRING "Maintainer of the packages: Name <address>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "compress ONNX models: quantize, prune, factorize, validate")
set(CPACK_PACKAGE_DESCRIPTION "Makes trained ONNX models smaller and faster, and measures what that does to their answers. One native program; no Python, no network.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME mcompress)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)  # names and versions of the libraries that the program was linked with
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libmcompress-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "C++ library of mcompress: static library, header, CMake package and pkg-config file")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "libonnx-dev, libprotobuf-dev, libdnnl-dev, libspdlog-dev, libfmt-dev, libxxhash-dev, libjpeg62-turbo-dev, libpng-dev, libzip-dev, libzstd-dev")
include(CPack)
