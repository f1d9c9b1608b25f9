// Where Cloudflare has data centres: 300 cities by their airports' codes, to the whole degree.

export interface Colo {
  readonly name: string;
  readonly region: string;
  /** Degrees north and east. */
  readonly latitude: number;
  readonly longitude: number;
}

/** By region: code, latitude and longitude of each. */
const REGIONS: Readonly<Record<string, string>> = {
  Africa: `
    AAE 37 8, ABJ 5 -4, ACC 6 0, ADD 9 39, ALG 37 3, ASK 7 -5, CAI 30 31, CPT -34 19, CZL 36 7, DAR -7
    39, DKR 15 -17, DLA 4 10, DUR -30 31, EBB 0 32, FIH -4 15, GBE -25 26, HRE -18 31, JIB 12 43, JNB
    -26 28, KGL -2 30, LAD -9 13, LLW -14 34, LOS 7 3, LUN -15 28, MBA -4 40, MPM -26 33, MRU -20 58,
    NBO -1 37, ORN 36 -1, OUA 12 -2, RUN -21 56, TNR -19 47, TUN 37 10, WDH -22 17
  `,
  'Asia Pacific': `
    AGR 27 78, AMD 23 73, BBI 20 86, BDQ 22 73, BKK 14 101, BLR 13 78, BOM 19 73, BWN 5 115, CCU 23 88,
    CEB 10 124, CGK -6 107, CGP 22 92, CGY 8 125, CJB 11 77, CMB 7 80, CNN 12 76, CNX 19 99, COK 10 76,
    CRK 15 121, DAC 24 90, DAD 16 108, DEL 29 77, DPS -9 115, FRU 43 74, FUK 34 130, GUM 13 145, HAN 21
    106, HKG 22 114, HYD 17 78, ICN 37 126, ISB 34 73, IXC 31 77, JHB 2 104, JOG -8 110, JRG 22 84, KCH
    1 110, KHH 23 120, KHI 25 67, KIX 34 135, KJA 56 92, KNU 26 80, KTM 28 85, KUL 3 102, LHE 32 74, MAA
    13 80, MFM 22 114, MLE 4 74, MLG -8 113, MNL 15 121, NAG 21 79, NQZ 51 71, NRT 36 140, OKA 26 128,
    PAT 26 85, PBH 27 89, PNH 12 105, PNQ 19 74, SGN 11 107, SIN 1 104, TPE 25 121, UDR 25 74, ULN 48
    107, URT 9 99, VTE 18 103
  `,
  Europe: `
    ADB 38 27, AKX 50 57, ALA 43 77, AMS 52 5, ARN 60 18, ATH 38 24, BCN 41 2, BEG 45 20, BOD 45 -1, BRU
    51 4, BTS 48 17, BUD 47 19, CDG 49 3, CPH 56 13, DME 55 38, DUB 53 -6, DUS 51 7, FCO 42 12, FRA 50
    9, GOT 58 12, GVA 46 6, HAM 54 10, HEL 60 25, IST 41 29, KBP 50 31, KEF 64 -23, LCA 35 34, LED 60
    30, LHR 51 0, LIS 39 -9, LJU 46 14, LUX 50 6, LYS 46 5, MAD 40 -4, MAN 53 -2, MLA 36 14, MRS 43 5,
    MSQ 54 28, MUC 48 12, MXP 46 9, OSL 60 11, OTP 45 26, PMO 38 13, PRG 50 14, RIX 57 24, SKG 41 23,
    SKP 42 22, SOF 43 23, STR 49 9, TBS 42 45, TIA 41 20, TLL 59 25, TXL 53 13, VIE 48 17, VNO 55 25,
    WAW 52 21, WRO 51 17
  `,
  'Middle East': `
    AMM 32 36, BAH 26 51, BEY 34 35, BGW 33 44, BSR 31 48, DMM 26 50, DOH 25 52, DXB 25 55, EBL 36 44,
    EVN 40 44, GYD 40 50, HFA 33 35, ISU 36 45, JED 22 39, KWI 29 48, LLK 39 49, MCT 24 58, NJF 32 44,
    RUH 25 47, TLV 32 35, XNH 31 46
  `,
  'North America': `
    ABQ 35 -107, ANC 61 -150, ATL 34 -84, AUS 30 -98, BGI 13 -59, BGR 45 -69, BNA 36 -87, BOS 42 -71,
    BUF 43 -79, CLE 41 -82, CLT 35 -81, CMH 40 -83, CVG 39 -85, DEN 40 -105, DFW 33 -97, DTW 42 -83, EWR
    41 -74, FSD 44 -97, GDL 21 -103, GUA 15 -91, HNL 21 -158, IAD 39 -77, IAH 30 -95, IND 40 -86, JAX 30
    -82, KIN 18 -77, LAS 36 -115, LAX 34 -118, MCI 39 -95, MEM 35 -90, MEX 19 -99, MIA 26 -80, MSP 45
    -93, OKC 35 -98, OMA 41 -96, ORD 42 -88, ORF 37 -76, PDX 46 -123, PHL 40 -75, PHX 33 -112, PIT 40
    -80, QRO 21 -100, RDU 36 -79, RIC 38 -77, SAN 33 -117, SAT 30 -98, SDQ 18 -70, SEA 47 -122, SFO 38
    -122, SJC 37 -122, SJU 18 -66, SLC 41 -112, SMF 39 -122, STI 19 -71, STL 39 -90, TLH 30 -84, TPA 28
    -83, YHZ 45 -64, YUL 45 -74
  `,
  Oceania: `
    ADL -35 139, AKL -37 175, BNE -27 153, CBR -35 149, CHC -43 173, HBA -43 148, MEL -38 145, NOU -22
    166, PER -32 116, PPT -18 -150, SUV -18 179, SYD -34 151, WLG -41 175
  `,
  'South America': `
    ARI -18 -70, ARU -21 -50, ASU -25 -58, BAQ 11 -75, BEL -1 -48, BOG 5 -74, BSB -16 -48, CAW -22 -41,
    CFC -27 -51, CGB -16 -56, CLO 4 -76, CNF -20 -44, COR -31 -64, CWB -26 -49, EZE -35 -59, FLN -28
    -49, FOR -4 -39, GEO 6 -58, GIG -23 -43, GND 12 -62, GRU -23 -46, GYE -2 -80, GYN -17 -49, JDO -7
    -39, JOI -26 -49, LIM -12 -77, LPB -17 -68, MAO -3 -60, MDE 6 -75, NQN -39 -68, NVT -27 -49, PBM 5
    -55, PMW -10 -48, POA -30 -51, POS 11 -61, PTY 9 -79, QWJ -23 -47, RAO -21 -48, REC -8 -35, SAP 15
    -88, SCL -33 -71, SJK -23 -46, SJO 10 -84, SJP -21 -49, SOD -23 -47, SSA -12 -46, TGU 14 -87, UDI
    -19 -48, UIO 0 -78, VCP -23 -47, VIX -20 -40, XAP -27 -53
  `,
};

const coloOf = (region: string, text: string): Colo => {
  const [name = '', latitude, longitude] = text.trim().split(' ');
  return { name, region, latitude: Number(latitude), longitude: Number(longitude) };
};

/** In the order of their codes, which is none on the map. */
export const colos: readonly Colo[] = Object.entries(REGIONS)
  .flatMap(([region, list]) => list.split(',').map((text) => coloOf(region, text)))
  .toSorted((a, b) => (a.name < b.name ? -1 : 1));

/** Fibre is no straight line: its way is so much longer than the great circle. */
const DETOUR = 1.6;

/** Kilometres that light goes in fibre in a millisecond. */
const KM_PER_MS = 200;

const EARTH_KM = 6_371;

/** A round trip within a city; milliseconds. */
const NEAR_MS = 2;

/** A round trip between two data centres, by the great circle between them; milliseconds. */
export const roundTripMs = (a: Colo, b: Colo): number =>
  NEAR_MS + (2 * DETOUR * kilometres(a, b)) / KM_PER_MS;

const kilometres = (a: Colo, b: Colo): number => {
  const [latA, latB] = [radians(a.latitude), radians(b.latitude)];
  const haversine =
    Math.sin((latB - latA) / 2) ** 2 +
    Math.cos(latA) * Math.cos(latB) * Math.sin(radians(b.longitude - a.longitude) / 2) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(haversine)));
};

const radians = (degrees: number): number => (degrees * Math.PI) / 180;
