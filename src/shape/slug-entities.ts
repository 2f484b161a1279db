/**
 * The 252 named characters of HTML 4, as they end in a slug. python-slugify resolves them after it has written the text
 * in ASCII, so an accented letter is taken apart there (`&eacute;` is `e` and a mark, which separates) and any other
 * character that is not ASCII separates.
 */

/** `what is left=names` */
const LETTERS = `
&=amp 1=sup1 1-2=frac12 1-4=frac14 2=sup2 3=sup3 3-4=frac34 A-=Aacute,Acirc,Agrave,Aring,Atilde,Auml C-=Ccedil
E-=Eacute,Ecirc,Egrave,Euml I=image I-=Iacute,Icirc,Igrave,Iuml N-=Ntilde O-=Oacute,Ocirc,Ograve,Otilde,Ouml
R=real S-=Scaron TM=trade U-=Uacute,Ucirc,Ugrave,Uuml Y-=Yacute,Yuml a=ordf
a-=aacute,acirc,agrave,aring,atilde,auml c-=ccedil e-=eacute,ecirc,egrave,euml i-=iacute,icirc,igrave,iuml
n-=ntilde o=ordm o-=oacute,ocirc,ograve,otilde,ouml s-=scaron u-=uacute,ucirc,ugrave,uuml y-=yacute,yuml
`;

const SEPARATORS = `
AElig Alpha Beta Chi Dagger Delta ETH Epsilon Eta Gamma Iota Kappa Lambda Mu Nu OElig Omega Omicron Oslash Phi
Pi Prime Psi Rho Sigma THORN Tau Theta Upsilon Xi Zeta acute aelig alefsym alpha and ang asymp bdquo beta
brvbar bull cap cedil cent chi circ clubs cong copy crarr cup curren dArr dagger darr deg delta diams divide
empty emsp ensp epsilon equiv eta eth euro exist fnof forall frasl gamma ge gt hArr harr hearts hellip iexcl
infin int iota iquest isin kappa lArr lambda lang laquo larr lceil ldquo le lfloor lowast loz lrm lsaquo lsquo
lt macr mdash micro middot minus mu nabla nbsp ndash ne ni not notin nsub nu oelig oline omega omicron oplus
or oslash otimes para part permil perp phi pi piv plusmn pound prime prod prop psi quot rArr radic rang raquo
rarr rceil rdquo reg rfloor rho rlm rsaquo rsquo sbquo sdot sect shy sigma sigmaf sim spades sub sube sum sup
supe szlig tau there4 theta thetasym thinsp thorn tilde times uArr uarr uml upsih upsilon weierp xi yen zeta
zwj zwnj
`;

/** Name to the ASCII text it stands for in a slug; `-` separates. */
export const SLUG_ENTITIES: ReadonlyMap<string, string> = readEntities();

function readEntities(): Map<string, string> {
  const entities = new Map<string, string>();
  for (const name of SEPARATORS.trim().split(/\s+/)) entities.set(name, '-');
  for (const entry of LETTERS.trim().split(/\s+/)) {
    const [text = '', names = ''] = entry.split('=');
    for (const name of names.split(',')) entities.set(name, text);
  }
  return entities;
}
