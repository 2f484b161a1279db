/**
 * Where python-slugify (over text-unidecode) writes a character otherwise than the npm package `slugify` does, for Latin,
 * Greek and Cyrillic letters, combining marks, punctuation, currency and letterlike signs, arrows and
 * other symbols: U+00A0-052F, 1AB0-1AFF, 1D00-27BF. Characters with a Unicode decomposition are taken apart
 * before: what they are made of is listed instead.
 * Found by comparing both on each code point; test/golden-shape/make_slugs.py makes the fixture that holds it.
 * Code points are hexadecimal, ranges are inclusive.
 */

/** `text=code points`; the text still goes through the rest of the pipeline (a `-` separates, a comma may go). */
const WRITTEN = `
,=2cc,375,201a ,,=201e -0=2030 -00=2031 -1-000-000-=489 -100-000-=488 -1000-=482 -d=2180 2=1a7-1a8,1bb 3=18e
5=1bc-1bd 6=184-185 7=204a a=23a,250-252,363 ae=4d4-4d5 b=180-183,243,253,299,5d1
c=187-188,23b-23c,255,297,368 c-=a2 ch=3ec-3ed,4b6-4b9,4bc-4bf,4cb-4cc cl=20a1 cr=20a2
d=110-111,189-18d,221,256-257,369,5d3,1e9f,20ab d-=2181 db=238 deg=b0 dr=20af dz=2a3-2a5,405,455,4e0-4e1
dzh=40f,45f e=190,246-247,258,25b-25e,29a,364,397,3b7,404,462-463,466-467 eur=20ac f=191,278,3e4-3e5,472-473
ff=20a3 fn=2a9 g=193-194,1e4-1e5,260-263,29b,3ea-3eb,492-495,5d2 h=126-127,266-267,29c,2ae-2af,36a,3e8-3e9
hv=195,1f6 i=196-197,268-26a,365 ia=42f,44f ie=454,464-465,468-469 io=46c-46d iu=42e,44e
j=237,248-249,25f,284,29d,3f3 k=138,198-199,29e,49a-4a1,4c3-4c4,20ad
kh=3a7,3c7,3e6-3e7,425,445,4a8-4a9,4b2-4b3 ks=39e,46e-46f l=19a-19b,234,23d,26b-26d,29f,20a4 ls=2aa lz=26e,2ab
m=271,36b mil=20a5 n=19d-19e,220,235,272-274,4a2-4a3,4c7-4c8,20a6 ng=14a-14b,4a4-4a5 ns=20aa
o=186,19f,254,275,277,366,3a9,3c9,460-461,46a-46b,47a-47d,4e8-4e9,25ef oe=276 oi=1a2-1a3 ot=47e-47f ou=222-223
p=b6,1a4-1a5,4a6-4a7 ph=3a6,3c6 pp=204b ps=a3,470-471 pts=20a7 q=24a-24b,2a0,3de-3df,480-481 qp=239
r=24c-24d,279-281,2de,36c,48e-48f s=23f,282-283,285-286,4aa-4ab,1e9c-1e9d sh=1a9-1aa,3e2-3e3 shch=429,449
sp=3e0-3e1 ss=a7 st=3da-3db t=166-167,1ab-1ae,236,23e,287-288,36d,4ac-4ad,20ae tc=2a8 th=398,3b8 ti=3ee-3ef
ts=1be,2a6-2a7,426,446 tsh=40b,45b tts=4b4-4b5 u=244,264,289-28a,367,3a5,3c5,478-479,4ae-4af
v=1b2,28b,2c5,2c7,2d5,2ec,36e,21b7,21ba,25bc-25bf w=19c,1bf,1f7,26f-270,28d,3dc-3dd,20a9 ww=2ac
x=d7,2df,36f,3be,2573 y=1b1,1b3-1b4,21c-21d,24e-24f,265,28e-28f,474-475 y-=a5 yr=1a6
z=1b5-1b6,224-225,240,290-293,498-499 zh=1b7-1ba,496-497
`;

/** Code points that separate words. */
const SEPARATORS = `
a1 a4 a6 ab-ac b1 b7 bb bf f7 18f 1c0-1c3 1dd 241-242 245 259-25a 28c 294-296 298 2a1-2a2 2ad 2ba-2bb 2bd-2be
2c0-2c4 2c6 2c9-2cb 2cd-2d2 2d4 2d6-2d7 2ed-2ff 34f-35f 370-373 376-379 37b-37d 37f-383 38b 38d 3a2 3cf
3d7-3d9 3f6-3f8 3fa-3ff 487 48a-48d 4c0 4c5-4c6 4c9-4ca 4cd-4cf 4d8-4d9 4f6-4f7 4fa-52f 1ab0-1aff 1d00-1d2b
1d2f 1d3b 1d4e 1d6b-1d77 1d79-1d9a 1dc0-1dff 1efa-1eff 1f16-1f17 1f1e-1f1f 1f46-1f47 1f4e-1f4f 1f58 1f5a 1f5c
1f5e 1f7e-1f7f 1fb5 1fc5 1fd4-1fd5 1fdc 1ff0-1ff1 1ff5 1fff 200b 2010 2012 2014-2016 201f 2021 2023 2027 2035
2038-203b 203d 203f-2046 204c-2056 2058-205e 2060-2069 208f 209d-209f 20b0-20cf 20e4-20ff 2141-2144 214a-214f
2182-2188 218a-2199 219c-21ad 21af-21b6 21b8-21b9 21bb-21cc 21d0-2203 2205-2208 220a-220b 220d-2223 2225
2227-222b 222e 2231-2240 2242-2243 2245-2246 2248 224a-225f 2261 2263-226c 2272-2273 2276-2277 227a-227f
2282-2283 2286-2287 228a-22ab 22b0-22df 22e4-22e9 22ee-2328 232b-23ff 2427-243f 244b-245f 24eb-2572 2574-25bb
25c0-25ee 25f0-25ff 2614-2618 2672-2700 275f-2760 27b0 27bf 3008-3009
`;

/** Code points that leave nothing at all. */
const NOTHING = `
42a 44a 2665
`;

/** Character to what python-slugify makes of it, lower case. */
export const SLUG_CORRECTIONS: ReadonlyMap<string, string> = readCorrections();

function readCorrections(): Map<string, string> {
  const corrections = new Map<string, string>();
  const put = (ranges: string, text: string): void => {
    for (const range of ranges.split(/[\s,]+/).filter(Boolean)) {
      const [from = 0, to = from] = range.split('-').map((hex) => Number.parseInt(hex, 16));
      for (let code = from; code <= to; code++) corrections.set(String.fromCodePoint(code), text);
    }
  };
  for (const entry of WRITTEN.trim().split(/\s+/)) {
    const at = entry.indexOf('=');
    put(entry.slice(at + 1), entry.slice(0, at));
  }
  put(SEPARATORS, '-');
  put(NOTHING, '');
  return corrections;
}
