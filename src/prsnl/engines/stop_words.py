"""Words that carry no meaning of their own, by language."""

from __future__ import annotations

from typing import Final

_LISTS: Final = {
    "en": """a about above after again against all also although am an and any are as at
        be because been before being below between both but by can cannot could did do
        does doing down during each either else etc few for from further had has have
        having he her here hers him his how however i if in into is it its itself just
        least less let like may me might more most much must my no nor not now of off
        on once one only or other others our out over own per rather same shall she
        should since so some such than that the their them then there these they this
        those though through thus to too two under until up upon us use used uses
        using very via was we well were what when where whether which while who whom
        whose why will with within without would yet you your""",
    "de": """ab aber alle allem allen aller alles als also am an andere anderen auch
        auf aus bei beim bis bzw da dabei dadurch dafür daher damit dann darauf das
        dass dazu dem den denen der deren des dessen die dies diese diesem diesen
        dieser dieses doch dort du durch ein eine einem einen einer eines er es etwa
        euch für gegen gemäß gibt haben hat hatte hatten hier hinter ich ihm ihn ihnen
        ihr ihre ihrem ihren ihrer im in ins ist ja jede jedem jeden jeder jedes jedoch
        jetzt kann kein keine keinen können könnte mehr mein mit muss müssen nach
        nicht nichts noch nur ob oder ohne sehr sein seine seinem seinen seiner seit
        sich sie sind so sofern soll sollen sollte sowie sowohl über um und uns unser
        unter vom von vor war waren was weil welche welcher wenn wer werden wie wieder
        wir wird wo wurde wurden zu zum zur zwischen""",
    "fr": """a à afin ainsi alors après au aucun aussi autre autres aux avant avec
        avoir c ce ceci cela celle celles celui ces cet cette ceux chaque ci comme
        comment d dans de des depuis deux donc dont du elle elles en encore entre est
        et été être eu eux fait il ils j je jusqu l la le les leur leurs lors lui m ma
        mais même mes moins n ne ni non nos notre nous on ont ou où par pas pendant peu
        plus pour pourquoi qu quand que quel quelle quelles quels qui s sa sans se
        selon sera ses si soit son sont sous sur t ta tandis tous tout toute toutes
        très tu un une vos votre vous y""",
    "es": """a al algo algunos ante antes aquel aquella así aunque bajo bien cada como
        con contra cual cuales cuando de del desde donde dos durante e el ella ellas
        ellos en entre era es esa esas ese eso esos esta está están estas este esto
        estos fue fueron ha había han hasta hay la las le les lo los más me mi mientras
        muy ni no nos nosotros o otra otras otro otros para pero poco por porque pues
        que quien quienes se sea según ser si sí sido sin sobre son su sus también
        tanto te tiene todo todos tras tu un una unas uno unos y ya yo""",
    "it": """a ad agli ai al alla alle allo anche avere c che chi ci ciò come con
        contro cui da dagli dai dal dalla dalle dallo degli dei del dell della delle
        dello di dopo dove due e è ed era essere fra gli ha hanno i il in io la le lei
        li lo loro lui ma mentre mi mia mio molto ne negli nei nel nella nelle nello
        no noi non nostro o ogni per perché più poi prima quale quali quando quanto
        quella quelle quelli quello questa queste questi questo se sei senza si sia
        sono sopra sotto su sua sue sui sul sulla sulle suo suoi tra tutti tutto un
        una uno vi voi""",
    "nl": """aan al alle alleen als altijd andere ben bij daar dan dat de der deze die
        dit doch doen door dus een eens en er ge geen haar had heb hebben heeft hem het
        hier hij hoe hun ik in indien is ja je kan kon kunnen maar me meer men met mij
        mijn moet na naar niet niets nog nu of om omdat ons onder ook op over reeds te
        tegen toch toen tot tussen u uit uw van veel voor want waren was wat we wel
        werd wezen wie wij wil worden wordt zal ze zei zelf zich zij zijn zo zonder zou
        zullen""",
    "pt": """a à ao aos aquela aquele aqueles as às até cada com como contra da das de
        dela dele deles depois desde do dos e é ela elas ele eles em entre era essa
        esse esta está estão este estes eu foi foram há isso isto já lhe mais mas me
        mesmo meu muito na não nas nem no nos nós o os ou para pela pelas pelo pelos
        por porque qual quando quanto que quem se sem ser será seu seus sido sob sobre
        são só sua suas também te tem têm toda todas todo todos tu um uma umas uns você
        vos""",
    "pl": """a aby ale bez bo być co czy dla do gdy go i ich im in jak jako jest jego
        jej już każdy który która które ma mi może na nad nie niż o od oraz po pod
        przed przez przy są się ta tak także tego tej ten to tym w we więc wraz z za ze
        że""",
    "sv": """all alla att av blev bli blir de dem den denna deras dess det detta dig
        din du där efter ej eller en er ett från för ha han har hon hur i icke in inte
        jag kan man med mellan men mig min mot ni nu när och om oss på sig sin sina som
        så till under upp ut vad var vara vi vid är över""",
}
#: By ISO 639-1 code.
STOP_WORDS: Final = {
    language: frozenset(words.split()) for language, words in _LISTS.items()
}
