extension Picture {
  /// This picture scaled until it just fits into `width × height`, in the middle of a ground.
  public func resizedToFit(width: Int, height: Int, background: RGB) -> Picture {
    precondition(width > 0 && height > 0, "a picture of \(width)×\(height)")
    let widthLimits = self.width * height >= self.height * width
    let fullWidth = widthLimits ? width : max(1, self.width * height / self.height)
    let fullHeight = widthLimits ? max(1, self.height * width / self.width) : height
    var result = Picture(width: width, height: height, color: background)
    result.paste(
      resized(width: fullWidth, height: fullHeight), x: (width - fullWidth) / 2, y: (height - fullHeight) / 2)
    return result
  }
}
