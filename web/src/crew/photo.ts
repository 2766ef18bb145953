// A photo as it is sent: made smaller on the phone, and drawn anew, so that neither place nor device leaves it.

const SIDE_PX = 1600;
const SMALL_PX = 112;

/** Return a photo as a JPEG whose longer side is at most `side` pixels. Rejects for what is no picture. */
async function drawn(bitmap: ImageBitmap, side: number, quality: number): Promise<Blob> {
  const ratio = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * ratio));
  canvas.height = Math.max(1, Math.round(bitmap.height * ratio));
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/jpeg", quality),
  );
}

/** Return a photo made smaller, and a small one to show. Rejects for what the phone cannot read. */
export async function smaller(file: Blob): Promise<{ picture: Blob; small: Blob }> {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  try {
    return { picture: await drawn(bitmap, SIDE_PX, 0.82), small: await drawn(bitmap, SMALL_PX, 0.7) };
  } finally {
    bitmap.close();
  }
}
