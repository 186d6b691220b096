// swift-tools-version: 6.1
import PackageDescription

// Build and test with `-c release`: a debug build computes some 60 times slower.
let package = Package(
  name: "darkroom",
  products: [
    .executable(name: "darkroom", targets: ["darkroom"]),
    .library(name: "Darkroom", targets: ["Pipelines", "Training"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-crypto", "3.12.3"..<"5.0.0"),
  ],
  targets: [
    // System libraries and C. Whatever Swift cannot import (macros, setjmp) hides in a small C shim.
    .target(name: "CPNG", linkerSettings: [.linkedLibrary("png")]),
    .target(name: "CJPEG", linkerSettings: [.linkedLibrary("jpeg")]),
    .target(name: "CKernels", linkerSettings: [.linkedLibrary("m")]),

    .target(name: "TensorCore", dependencies: ["CKernels"]),
    .target(name: "Files", dependencies: [.product(name: "Crypto", package: "swift-crypto")]),
    .target(name: "NN", dependencies: ["TensorCore", "Files"]),
    .target(name: "Text", dependencies: ["Files"]),
    .target(name: "Schedulers", dependencies: ["NN"]),
    .target(name: "Models", dependencies: ["NN", "Files"]),
    .target(name: "Pictures", dependencies: ["CPNG", "CJPEG", "Files"]),
    .target(name: "Pipelines", dependencies: ["Models", "Schedulers", "Pictures", "Text"]),
    .target(name: "Training", dependencies: ["Pipelines"]),
    .executableTarget(
      name: "darkroom",
      dependencies: [
        "Training", "Pipelines", "Pictures", "Text", "Schedulers", "Models", "NN", "TensorCore", "Files",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    .target(name: "TestSupport", dependencies: ["NN"], path: "Tests/TestSupport"),
    .target(
      name: "FuzzReaders",
      dependencies: ["Training", "Pipelines", "Models", "Schedulers", "Pictures", "Text", "NN"],
      path: "Tests/Fuzz/Readers"),
    .testTarget(name: "TensorCoreTests", dependencies: ["TensorCore", "CKernels", "TestSupport"]),
    .testTarget(name: "NNTests", dependencies: ["NN", "TestSupport"]),
    .testTarget(name: "SchedulersTests", dependencies: ["Schedulers", "TestSupport"]),
    .testTarget(name: "ModelsTests", dependencies: ["Models", "TestSupport"]),
    .testTarget(name: "TextTests", dependencies: ["Text", "Files", "TestSupport"]),
    .testTarget(name: "PicturesTests", dependencies: ["Pictures", "Files"]),
    .testTarget(name: "PipelinesTests", dependencies: ["Pipelines", "Files", "TestSupport"]),
    .testTarget(name: "TrainingTests", dependencies: ["Training", "Files", "TestSupport"]),
    .testTarget(name: "FuzzTests", dependencies: ["FuzzReaders", "TestSupport"]),
    .testTarget(
      name: "CommandTests", dependencies: ["darkroom", "NN", "Pictures", "Training", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)

// libFuzzer brings a main function of its own, so this target is there for scripts/fuzz.sh alone.
if Context.environment["DARKROOM_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "Fuzz", dependencies: ["FuzzReaders"], path: "Tests/Fuzz/Program",
      swiftSettings: [.unsafeFlags(["-parse-as-library"])]))
}
