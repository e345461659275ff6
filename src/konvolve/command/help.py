"""What `konvolve --help` and `konvolve COMMAND --help` say."""

from __future__ import annotations

HELP = """Convolution of pictures and sounds, on NumPy or TensorFlow, as SciPy does it.

\b
  konvolve blur                          blur a sample picture, and draw what was done
  konvolve blur photo.jpg --sigma 5
  konvolve blur holiday -o soft          all pictures of the folder holiday, into the folder soft
  konvolve filter photo.png sharpen
  konvolve reverb                        put a sample sound into a room, and draw what was done
  konvolve reverb voice.wav hall.wav --wet 0.5 --tail
  konvolve plan 768x1024x3 60x60x1 --mode same --axes 0,1   which method, and what each would cost
  konvolve bench                         how fast it is here, beside what else is installed
  konvolve doctor                        what is installed, and which devices it sees
  konvolve help blur                     what blur can do; so say konvolve blur -h and --help

\b
Exit codes: 0 done; 1 the picture or sound was written but its figure was not, or what was done could not be
printed; 2 a wrong option or file, named in one line on standard error; 130 stopped by Ctrl-C.
"""

PICTURES = """\b
PICTURES. PNG, JPEG, TIFF, WebP, BMP, GIF and, where Pillow reads it, AVIF; grey or RGB, with or
without alpha; 8 or 16 bits. Bit depth, alpha and the ICC profile are kept: alpha is not touched, and
colours are convolved as they are stored, not weighted by alpha. An EXIF orientation is applied to the
pixels; other metadata is dropped. Palettes become RGB and one bit becomes 8-bit grey. Of a moving
picture the first frame is taken, and that is said. Refused, with the way out: CMYK, floating-point
pixels, TIFFs of several pages, and more than 89 megapixels unless --max-pixels allows them. Sizes are
width x height wherever they are printed. A folder stands for the pictures in it.

\b
EDGES. --boundary says what lies outside the picture: reflect (mirrored about
the pixel at the edge), symmetric (mirrored about the edge itself), nearest, wrap, or zero: black, as
in scipy.signal.fftconvolve, which darkens the edges.

\b
OUTPUT. -o names a file, or a folder: one that is there, or a name that ends in a slash. The format
follows the name: .png .jpg .jpeg .tif .tiff .webp .bmp; JPEG, WebP and BMP hold no 16 bits, JPEG and
BMP no alpha. Beside OUT.png comes OUT-figure.png, beside OUT.jpg OUT-jpg-figure.png: before, after,
and the kernel. Existing files are replaced, the inputs never; a file is written whole or not at all.
Three lines say what was done, where the files are, and what to try next. The first has the time of the
convolution alone and the largest difference from SciPy, in grey levels: from its convolution in float64
of the same pixels, before rounding. --explain has the method.
Comparing and drawing take longer than all else: from 10 megapixels on they are left out unless --check
and --figure ask for them. 8-bit pictures are computed in float32, 16-bit ones in float64.
"""

ARRAYS = """\b
ARRAYS IN FILES, one at a time, larger than memory if need be: pip install "konvolve[cli,dask]".
zarr (path.zarr, or path.zarr/name in a group), .npy, and TIFFs of several pages; -o says which of
these is written, TIFF as BigTIFF. The array's dtype is kept: integers are rounded and kept in their
range. A chunk that a zarr array lacks is refused, since it may be lost; with --sparse it is read as
the fill value. It is done block by block in the memory that --memory gives, on the threads of this process,
on --workers processes, or by a dask --scheduler; --plan says how, and stops. The result grows in
OUT.konvolve and takes its name when it is whole; a run that was stopped is taken up by --resume,
with the same arguments and input. An output that is there is replaced by --overwrite alone.
"""

BLUR_HELP = f"""Smooth pictures with a Gaussian kernel.

\b
The kernel is the outer product of scipy.signal.windows.gaussian(SIZE, SIGMA) with itself, divided by
its sum so that brightness is kept. Its width and height follow SIGMA, 4 of it to each side, as in
scipy.ndimage.gaussian_filter; a smaller --size cuts it off. An even SIZE shifts the picture by half a
pixel, as in SciPy. The kernel may be larger than the picture.

\b
EXAMPLES
  konvolve blur                                    -> astronaut-blur.png, astronaut-blur-figure.png
  konvolve blur photo.jpg                          -> photo-blur.jpg, photo-blur-jpg-figure.png
  konvolve blur a.png b.webp -o soft/              -> soft/a-blur.png, soft/b-blur.webp, two figures
  konvolve blur scan.tif --sigma 3 -o smooth.tif
  konvolve blur photo.png --size 60 --boundary zero      SciPy's classic example
  konvolve blur scan.zarr/raw --sigma 2 --memory 1G -o smooth.zarr

\b
Without PICTURE a sample is taken: SciPy's raccoon face, if it is in the cache or can be fetched in
4 seconds (this needs pooch), else scikit-image's astronaut, which needs no network.

{PICTURES}
{ARRAYS}"""

FILTER_HELP = f"""Convolve pictures with any kernel, which is named last.

\b
KERNEL is a name: sharpen, edges, emboss, box:9 (the mean of 9 x 9 pixels), gaussian:2 (of sigma 2).
Or a .npy file, 2-D, or (rows, columns, colours) with one layer for each colour of the picture. Or a
picture, of which the luminance from 0 to 1 is taken. Its values must be finite and real. It is
convolved, that is turned by 180 degrees, as scipy.signal.fftconvolve does; turn it yourself
(kernel[::-1, ::-1]) for a correlation. A file that is called sharpen is ./sharpen.

\b
THE SUM OF THE KERNEL is what brightness is multiplied by. --normalize divides each layer by its sum;
this is the default for a kernel that is a picture. --no-normalize takes the values as they are; this
is the default for names and .npy. An edge kernel (sum 0) can't be normalised.

\b
CLIPPING. A picture holds no negative values and none above white: results are rounded and clipped,
and the first line says how many were. An edge kernel keeps only its positive half this way; for the
whole answer call konvolve.fftconvolve in Python.

\b
EXAMPLES
  konvolve filter photo.png sharpen
  konvolve filter photo.jpg box:9 -o mean.png
  python -c "import numpy; numpy.save('k.npy', [[0, -1, 0], [-1, 5, -1], [0, -1, 0]])"
  konvolve filter photo.png k.npy -o sharp.png
  konvolve filter stars.tif psf.png -o seen.tif --normalize
  konvolve filter scan.zarr psf.npy -o seen.zarr --memory 1G

{PICTURES}
{ARRAYS}"""

PLAN_HELP = """Say which method would convolve two shapes, in what time and memory, and what the others would take.

\b
SIGNAL and KERNEL are sizes with x between them; ? is a size that is known only at run time. The library need
not be installed. Times are predicted for this machine where `konvolve bench --calibrate` has been run, and
otherwise for the two cores the constants were measured on: there, read the ratios.

\b
EXAMPLES
  konvolve plan 768x1024x3 60x60x1 --mode same --axes 0,1
  konvolve plan 10000000 1001 --library torch
  konvolve plan ?x256x256 1x31x31 --axes 1,2 --boundary wrap,reflect --dtype float64
  konvolve plan 256x256x256 31x31x31 --mode same --library numpy --max-memory 250M
"""

BENCH_HELP = """Time konvolve beside SciPy, OpenCV, JAX, PyTorch and CuPy, as far as they are installed.

\b
A short race of six workloads, some two minutes: all contestants take turns in one process, and each one's first
answer is checked against SciPy in float64. Leave the machine alone meanwhile. One table shows the medians; --json
keeps every sample. A checkout of the repository has more: python -m benchmarks, and benchmarks/README.md.

\b
EXAMPLES
  konvolve bench --quick                              3 rounds
  konvolve bench --only face,reverb --repeats 30
  konvolve bench --library numpy,torch --json torch.json
  konvolve bench --calibrate                          from now on plans are made for this machine

\b
--calibrate times every method on random problems, fits the constants of the cost model to them, judges them on
other problems, and keeps them in the user's cache folder if they choose no worse than the shipped ones; some
minutes for each library. `konvolve doctor` says which constants are in use.
"""

DOCTOR_HELP = """Show what is installed, and which devices it sees.

Libraries are imported in processes of their own; one that is broken is shown as broken, with its error,
and the exit code is 0 all the same. After 3 seconds those that are still being imported, as TensorFlow
may be, are shown with their version alone; --full waits for them. --check times a few convolutions on each library,
within seconds, and says whether the planning constants fit this machine, and what to do where they do not.
"""

REVERB_HELP = """Put a sound into a room: convolve it with the room's impulse response, block by block.

\b
SOUNDS. WAV, FLAC, OGG and AIFF, by soundfile: pip install "konvolve[sound]". The memory is that of the
room and of one block, however long the sound is. The wet sound has the dry one's rate and, if its
format has them, the same kind of samples: 16, 24 or 32 bits, or float. What is beyond full scale is
clipped, and that is said; float samples are left as they are. A file is written whole or not at all.

\b
ROOMS. One channel is the room of every channel of the sound. Two are those of the left and of the
right side. Four are true stereo: left to left, left to right, right to left, right to right; a mono
sound goes in on both sides at half its level. Rates that differ are refused, unless --resample brings
the room to the sound's rate.

\b
MIX. --wet is the wet sound's part, and the dry sound has the rest. --gain auto divides the wet sound by
the root of the room's energy, sqrt(sum(h^2)), so that noise stays as loud as it was; a number is in
decibels, and 0 leaves the room as it is. Without --tail the result is as long as the sound.

\b
EXAMPLES
  konvolve reverb                                  -> sample-reverb.wav, sample-reverb-wav-figure.png
  konvolve reverb voice.flac hall.wav              -> voice-reverb.flac, and its figure
  konvolve reverb dry.wav room.wav -o wet.wav --wet 1 --gain -12 --tail
"""
