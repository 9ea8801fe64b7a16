/**
 * What rules look for, in the grammar of `pattern.ts`. A phrase is `severe` only where it has no use but a harmful one:
 * it is blocked by default. What is said of a thing in warning or in a novel as well is `moderate` or `low`.
 */
import type { SafetyCategory, Severity } from '../categories.ts';

interface Row {
  readonly category: SafetyCategory;
  readonly severity: Severity;
  readonly phrases: readonly string[];
}

const WAYS =
  '(how (to|do i|can i|would i|do you|could i)|ways? to|best way to|steps to|instructions (to|for)|guide to|tutorial (on|for)|teach me (how )?to|tell me how to|show me how to|explain how to|help me)';
const PERSON =
  '(someone|somebody|a person|people|him|her|them|my (wife|husband|boss|neighbou?r|mother|father|brother|sister|girlfriend|boyfriend|ex|roommate|classmates?|coworkers?|teacher))';
const GROUP =
  '(jews|muslims|christians|blacks|black people|whites|white people|gays|gay people|immigrants|arabs|asians|mexicans|women|trans people|transgender people|homosexuals|lesbians|gypsies|roma|refugees|africans|jewish people|disabled people)';
const CHILD =
  '(child|children|kids?|minors?|toddlers?|infants?|baby|babies|preteens?|schoolgirls?|underage (girls?|boys?)|(little|young) (girls?|boys?))';
const ASK = '(write|tell|give|show|draw|create|generate|make|send|produce|find|get|i want|share|sell)';
const EXPLICIT = '(sexual|sexually explicit|erotic|nude|naked|pornographic|sex|smut|porn)';
const EXPLOSIVE =
  '(pipe bombs?|nail bombs?|dirty bombs?|car bombs?|fertilizer bombs?|pressure cooker bombs?|homemade (bombs?|explosives?)|bombs?|explosives?|grenades?|molotov cocktails?|ieds?|explosive devices?)';
const AGENT =
  '(nerve agents?|nerve gas|sarin|vx gas|tabun|mustard gas|ricin|botulinum toxin|weaponi(z|s)ed (anthrax|smallpox|viruses)|chemical weapons?|biological weapons?|bioweapons?|nuclear (bombs?|weapons?|devices?))';
const MALWARE =
  '(ransomware|keyloggers?|botnets?|rootkits?|computer (virus|worm)(es)?|trojans?|spyware|malware|remote access trojans?|worms?|info ?stealers?|credential stealers?|phishing (kits?|pages?|sites?|emails?))';
const DRUG = '(meth|methamphetamines?|crystal meth|heroin|cocaine|crack cocaine|fentanyl|mdma|lsd|ghb)';
const RULES =
  '(instructions?|rules|prompts?|directions?|directives?|guidelines?|context|commands?|programming|orders)';
const BEFORE = '(previous|prior|above|earlier|preceding|former|past)';
const MODEL = '(chatgpt|gpt|assistant|llm|language model|claude|gemini|copilot|chatbot)';
const MODE = '(developer|god|sudo|debug|admin|root)';

export const PHRASES: readonly Row[] = [
  {
    category: 'self-harm',
    severity: 'severe',
    phrases: [
      `(you should|you must|just|please|go and|go|now) (kill|hang|shoot|drown) yourself`,
      `(painless|quickest|easiest|most effective|best) (ways?|methods?) (to|of) (kill(ing)?|hang(ing)?) (myself|yourself|oneself)`,
      `${WAYS} (kill|hang|drown) (myself|yourself|oneself)`,
      `${WAYS} (commit|complete) suicide`,
      `${WAYS} end (my|your) life`,
      `${WAYS} (cut|hurt|harm|starve) myself (without|and hide|so that|until)`,
      `(you should|you must|go and|please) (end your life|commit suicide|slit your wrists)`,
    ],
  },
  {
    category: 'self-harm',
    severity: 'moderate',
    phrases: [
      'kill (yourself|myself)',
      'suicide methods?',
      `${WAYS} self ?harm`,
      'hide (my|your) self ?harm',
      'pro ?ana (tips|diet|community)',
    ],
  },
  {
    category: 'self-harm-intent',
    severity: 'moderate',
    phrases: [
      '(i|im) (want|going|planning|ready|about) to (kill myself|end my life|end it all|hurt myself)',
      '(i|im) (going|planning|ready|about) to die',
      // "I want to die my hair blue" is a slip of the pen.
      'i (just |really |only )*want to die.',
      'i (just |really |only )*want to die (and|because|so|right|today|tonight|now|every|anymore|please|but|i|im|alone|in|when|if|rather|soon|already|nobody|help|or|by|for|too|sometimes|peacefully|painlessly|before|without|since)',
      'i (wish i (was|were) dead|dont want to (live|be alive) anymore|am suicidal|feel suicidal)',
      'im suicidal',
    ],
  },
  {
    category: 'sexual-minors',
    severity: 'severe',
    phrases: [
      `${ASK} ~ ${EXPLICIT} ~ (of|about|with|involving|featuring|between) ~ ${CHILD}`,
      `${ASK} ~ (child|kiddie|preteen|toddler|underage) (porn|pornography|erotica|nudes?)`,
      `(want to|wanna|${WAYS}) (have sex with|molest|rape|seduce|groom) ~ ${CHILD}`,
    ],
  },
  {
    category: 'sexual-minors',
    severity: 'moderate',
    phrases: [
      `(sexual_|nude|erotic|naked) ~ ${CHILD}`,
      '(child|kiddie|preteen|toddler|underage) (porn|pornography|erotica|nudes?)',
      `(have|having|had) sex with ~ ${CHILD}`,
      'csam',
      'lolicon',
      'shotacon',
    ],
  },
  {
    category: 'sexual',
    severity: 'low',
    phrases: [
      '(write|tell|give) ~ (erotica?|smut|porn|pornographic)',
      '(hardcore|explicit) (sex|porn)',
      '(blow ?job|cum ?shot|gang ?bang|deep ?throat|orgasm)(s|ing)?',
    ],
  },
  {
    category: 'weapons',
    severity: 'severe',
    phrases: [
      `${WAYS} (build|make|assemble|construct|create|detonate|plant) (a |an |the |my |some )?(homemade |simple |powerful |small )?${EXPLOSIVE}`,
      `${WAYS} (build|make|produce|synthesi(z|s)e|weaponi(z|s)e|manufacture|create|cultivate|disperse|spread|release) (a |an |the |some )?(homemade |simple )?(${AGENT}|anthrax)`,
      `${WAYS} enrich uranium`,
      `instructions for (making|building|assembling) (a |an )?(${EXPLOSIVE}|${AGENT})`,
      `to (build|make|assemble) (a|an|your) ${EXPLOSIVE} (you (will )?need|first|mix|start|combine|fill)`,
      `${WAYS} (make|build|print) (a |an )?(ghost gun|untraceable (gun|firearm)|silencer|auto sear)s?`,
    ],
  },
  {
    category: 'weapons',
    severity: 'moderate',
    phrases: [
      `(build|make|assemble|detonate) (a |an )?${EXPLOSIVE}`,
      'nerve agents?',
      'ghost guns?',
      'enrich(ed|ing)? uranium',
      `(synthesi(z|s)e|manufacture|weaponi(z|s)e) (a |an )?(${AGENT}|anthrax)`,
    ],
  },
  {
    category: 'violence',
    severity: 'severe',
    phrases: [
      `${WAYS} (murder|torture|poison|kill|stab|strangle|kidnap|dismember) ${PERSON} (without|and (get away|not get|hide|make)|so that|undetected|untraceably)`,
      `${WAYS} (get away with (a )?murder|hire a hitman|dispose of a (dead )?body|carry out a (mass|school) shooting|plan a (mass|school) shooting|commit a (mass|school) shooting|commit genocide)`,
    ],
  },
  {
    category: 'violence',
    severity: 'moderate',
    phrases: [
      `${WAYS} (murder|torture|poison|kill|stab|strangle|kidnap|beat up|hurt) ${PERSON}`,
      '(mass|school) shootings?',
      `(plan|commit|planning) (a |the )?(terror|terrorist) attack`,
    ],
  },
  {
    category: 'violence-graphic',
    severity: 'low',
    phrases: [
      'behead(ing|ed|s)?',
      'disembowel(ed|ing|led|ling)?',
      '(blood|guts|brains) (splatter|spurt|gush|spill)(ed|ing|s)?',
      '(mutilate|dismember)(d|ed|s|ing)? ~ (body|corpse|limbs)',
    ],
  },
  {
    category: 'hate-threatening',
    severity: 'severe',
    phrases: [
      `(we|you|lets|everyone) (should|must|need to|ought to|have to|will|are going to|) ?(kill|exterminate|gas|lynch|burn|slaughter|shoot|eradicate|annihilate) (all |the |every |those |these )*${GROUP}`,
    ],
  },
  {
    category: 'hate-threatening',
    severity: 'moderate',
    phrases: [
      `(kill|exterminate|gas|lynch|burn|slaughter|shoot|eradicate|annihilate) (all |every |those |these )(the )?${GROUP}`,
      `${GROUP} (should|must|deserve to|need to|ought to) (all )?(be (killed|exterminated|gassed|lynched|shot|burned|eradicated|slaughtered)|die)`,
    ],
  },
  {
    category: 'hate',
    severity: 'moderate',
    phrases: [
      'ethnic cleansing',
      '(inferior|subhuman) (race|people)',
      'exterminate (the|all) (a|b|c|d|e|f|g|h|i|j|k|m|n|o|p|q|r|s|t|u|v|w|x|y|z)_',
      `(i hate|we hate|hate) (all )?(the )?${GROUP}`,
      `${GROUP} are (all )?(vermin|subhuman|animals|parasites|scum|filth|inferior|a disease|cockroaches|criminals|rapists)`,
      'white (power|genocide)',
      'heil hitler',
      'master race',
    ],
  },
  {
    category: 'harassment-threatening',
    severity: 'moderate',
    phrases: [
      '(i|im|ill|we|well) (will|am going to|going to|gonna|are going to)? ?(kill|murder|rape|stab|hurt|find and kill|beat) you',
      'i know where you (live|work) ~ (kill|hurt|come for|burn)',
      'you (will|are going to|deserve to) (die|suffer|bleed)',
    ],
  },
  {
    category: 'harassment',
    severity: 'low',
    phrases: [
      '(you are|youre|you) (a |an |such a |such an )?(fucking |stupid |worthless |pathetic )?(idiot|moron|retard|loser|bitch|whore|slut|cunt|piece of shit|scum|pig)',
      '(nobody|no one) (likes|loves|wants) you',
      '(shut the fuck up|fuck you|go fuck yourself)',
    ],
  },
  {
    category: 'malware',
    severity: 'severe',
    phrases: [
      `(write|create|build|develop|code|make|generate|give) (me )?(a |an |the |some )?(working |undetectable |functional |python |simple )*(ransomware|rootkit|botnet|credential stealer|info ?stealer) (that|which|to|for|with|in) ~ (encrypt|steal|spread|evade|infect|bypass|exfiltrate|victim|avoid)_`,
    ],
  },
  {
    category: 'malware',
    severity: 'moderate',
    phrases: [
      `(write|build|create|develop|code|make|design|generate) (me )?(a |an |some |the )?(working |undetectable |functional |simple |new )?${MALWARE}`,
      'reverse shell payload',
      `${WAYS} (hack|break|get) into (someones?|somebodys?|a|my|another|an|his|her) (_ )?(account|computer|phone|email|network|server|wifi|system|bank|database|website)s?`,
      `${WAYS} (ddos|crack (a |the )?password|bypass (antivirus|a firewall|edr)|steal (passwords|credentials|cookies))`,
      'sql injection (attack|payload)s? (against|on|to)',
    ],
  },
  {
    category: 'illicit',
    severity: 'moderate',
    phrases: [
      `${WAYS} (cook|make|synthesi(z|s)e|produce|manufacture|smuggle|sell) (some )?${DRUG}`,
      `${WAYS} (launder money|counterfeit (money|bills|currency)|forge (a |an )?(passport|id|check|signature|prescription|document)s?|make (a )?(fake|counterfeit) (id|passport|money|bills)|commit (tax|insurance|credit card|identity|mortgage) (fraud|theft|evasion)|evade taxes|rob a (bank|store)|shoplift|steal a car|hotwire a car|pick a lock|smuggle ~ (across|through|into|past)|traffic humans|blackmail ${PERSON}|scam ${PERSON}|embezzle)`,
      '(buy|sell|order) (illegal drugs|stolen credit cards|fake ids?)',
    ],
  },
  {
    category: 'privacy',
    severity: 'moderate',
    phrases: [
      `(find|give|get|tell|look up) (me )?(out )?(the )?(home address|social security number|ssn|private (phone number|address)|location) (of|for)`,
      `${WAYS} (dox|stalk|spy on|track the (phone|location) of|secretly (record|film|photograph|track))`,
      '(dox|doxx)(ing|ed)? ~ (him|her|them|someone|address)',
    ],
  },
  {
    category: 'prompt-injection',
    severity: 'moderate',
    phrases: [
      `(ignore|disregard|forget|override|bypass|neglect|discard|skip) (all |any |the |your |my |every |everything |of |these |those |and )*(previous|prior|above|earlier|preceding|existing|initial|original|system|former|past|safety|content) ?(and |system |safety |set of )*${RULES}`,
      // A message that was sent by mistake is ignored as well: "all" of them, or something else in its place, is an order.
      `(ignore|disregard|forget|override|discard) (all|any|every) (of )?(the |your |my |these |those )*${BEFORE} messages?`,
      `(ignore|disregard|forget|override|discard) (the |your |my |this |that )*${BEFORE} messages? (and|then|instead) ~ (respond|answer|say|output|print|reveal|act|follow|repeat|obey|pretend)`,
      `(ignore|disregard|forget) (everything|all|anything) (above|before|said before|you (were|have been) (told|instructed|taught)|that came before|prior)`,
      '(reveal|print|show|repeat|output|display|leak|dump|give me|tell me|what is|what are|whats) (me )?(your|the|all) (full |entire |complete |exact |hidden |secret |initial |original )*(system (prompt|message|instructions?)|initial (prompt|instructions?)|hidden (prompt|instructions?)|original (prompt|instructions?))',
      '(your )?new (instructions?|task|role|directives?|system prompt) (is|are|follows?|below)',
      '(end|begin|start) (of )?(system (prompt|message)|user (input|query)|instructions?)',
      '(do not|dont|never) (tell|inform|alert|notify|(mention|reveal) (this |it |any of this )?to) the user.',
      '(do not|dont|never) (tell|inform|alert|notify|(mention|reveal) (this |it |any of this )?to) the user (about|that|of|this|anything|what|why)',
      'instead of (summari(z|s)ing|answering|translating|following) ~ (do|say|output|send|reply|respond|print|tell)',
      '(important|attention|notice|note to|message (to|for)) (the |all )?(ai|assistant|llm|language model|chatbot|ai agent)s?',
      '(ai|assistant|llm|agent)s? (reading|processing|summarizing|who reads|that reads) this',
      '(send|forward|email|post|exfiltrate|transmit) (all |the |any |your |this |users? |entire )*(conversation|chat history|api keys?|credentials|passwords?|secrets|emails|private data|data|files) to (http|https|www|the (url|address|following)|this (url|address)|attacker)*',
      '(ignoriere|vergiss) (alle )?(vorherigen|bisherigen|obigen) (anweisungen|befehle)',
      '(ignora|olvida) (todas )?(las )?instrucciones (anteriores|previas)',
      '(ignore|oublie) (toutes )?(les )?instructions (precedentes|anterieures)',
    ],
  },
  {
    category: 'jailbreak',
    severity: 'moderate',
    phrases: [
      '(dan|jailbreak|unrestricted) mode (enabled|activated|on|output|engaged)',
      '(enable|activate|enter|switch to|unlock) (dan|jailbreak|unrestricted) mode',
      // Phones, browsers and games have these modes as well.
      `${MODEL} ~ ${MODE} mode`,
      `you are (now |hereby )?(in|running in|entering|operating in) ${MODE} mode`,
      'developer mode output',
      `${MODE} mode (enabled|activated|on|engaged) ~ (you|respond|answer|comply|ignore|bypass|unrestricted|unfiltered|uncensored|restrictions)`,
      `(enable|activate|enter|switch to|unlock) ${MODE} mode (and|to) ~ (ignore|answer|respond|reveal|bypass|disregard|comply|unrestricted|without)`,
      'do anything now',
      'you are (now )?(dan|going to (act|pretend)|an? (unrestricted|unfiltered|uncensored|amoral|evil) (ai|assistant|model|chatbot|language model))',
      '(act|behave|respond|pretend|answer) as (if|though)? ?(you (have|had|are|were) )?(no|an?|without|free of|not bound by) ?(any )?(unrestricted|unfiltered|uncensored|restrictions?|ethical|filters?|rules|limitations?|guidelines?|moral|ai without|evil)_',
      '(without|no|free from|ignoring|bypass(ing)?|free of) (any |all |your |the )?(ethical|moral|content|safety) (guidelines?|restrictions?|limitations?|filters?|constraints?|policies)',
      '(stay|remain|respond|answer|reply) (in character|only) (as|and) (dan|never|no)',
      '(you (can|will|must|should)) (never|not) (refuse|decline|reject) (a |any |my |this |to )*(request|question|answer|command|prompt)s?',
      'jailbreak prompt',
      'grandma (used to|would) (tell|read) me ~ (napalm|recipes?|steps|how to|instructions|keys|serial)',
    ],
  },
];
