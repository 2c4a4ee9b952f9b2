"""Words that say nothing about a ticket, in the languages that the desk speaks; folded as the search folds them."""

from app.search.words import fold

ENGLISH = """a about after again all also am an and any are as at be because been before being but by can cannot could day days dear did do does done down each else even ever every few first for from
get getting give given go good got had has have having he hello help her here hers hey hi him his how however i if in into is issue it its just kind know last like make many may me mine more most much must my
need never new no not now of off on once one only or other our ours out over own please problem question re really regarding regards said same say see send sent she should since so some soon still such
team than thank thanks that the their them then there these they thing this those though through ticket time to today tomorrow too try tried trying under until up us use used using very want was way we well
were what when where which while who whom why will with within without work working would yes yesterday yet you your yours since week weeks month fwd does doesnt dont didnt isnt cant wont ive im its monday
tuesday wednesday thursday friday saturday sunday best sincerely cheers morning afternoon evening anyone someone something anything nothing everything able already always another around two three four five twice attached attach shows show shown right hours hour people person come comes nobody"""
GERMAN = """aber alle allem allen aller alles als also am an andere anderen auch auf aus bei beim bereits bin bis bist bitte da dabei dadurch dafür dagegen daher damit danach danke dann daran darauf darf darin darum das
dass dein deine dem den denn der deren des deshalb dessen die dies diese diesem diesen dieser dieses doch dort du durch ein eine einem einen einer eines einige einmal er erst es etwas euch euer eure für ganz gar
gegen gern gerne gibt grüße gruß guten hab habe haben hallo hat hatte hätte herr frau heute hier hilfe hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer immer in ins ist ja jede jedem jeden jeder jedes jedoch jetzt kann
kein keine keinen können könnte könnten leider liebe lieber machen mal man mehr mein meine meinem meinen meiner mfg mich mir mit möchte morgen muss müssen nach nachdem neu neue neuen nein nicht nichts noch nun nur ob oder ohne
problem schon sehr sei sein seine seinem seinen seiner seit sich sie sind so sobald sofort solche soll sollte sondern sonst sowie tag tage team trotzdem über um und uns unser unsere unserem unseren unserer unter vielen viel vom von vor
vorab war warum was weil weiter weitere weiß welche welchem welchen welcher wenn wer werde werden wie wieder will wir wird wo wollen worden wurde wurden würde zu zum zur zwar zwischen freundlichen damen geehrte geehrter frage montag dienstag
mittwoch donnerstag freitag samstag sonntag gestern vielleicht etwa bekomme bekommen geht habt hatten zwei drei vier fünf angehängt anbei stunden leute"""
FRENCH = """ai aide alors après au aucun aucune aujourd'hui auprès aussi autre autres aux avait avant avec avez avoir avons bien bonjour bonne bonsoir c'est car ce cela celle celles celui ces cet cette ceux chaque cher chère ci comme comment cordialement dans de déjà
demain depuis des dès deux devrait doit dois donc dont du elle elles en encore entre est et étaient étais était être eu eux fait faire fois font hier ici il ils j'ai je jour jours la là le les leur leurs lors lui ma madame mais me même merci mes
messieurs moi moins mon monsieur n'est ne ni non nos notre nous nouveau nouvelle on ont ou où par parce pas pendant peu peut peux plus plusieurs pour pourquoi pouvez pouvoir problème quand que quel quelle quelles quels qu'est question qui quoi sa salut sans se semaine
sera ses seulement si sinon sommes son sont sous suis sur ta te tes toi ton toujours tous tout toute toutes très trop tu un une vers veuillez voici vos votre voudrais vous y lundi mardi mercredi jeudi vendredi samedi dimanche équipe svp ainsi afin deux trois quatre cinq joint jointe heures gens personne aujourd hui jai"""

STOP_WORDS = frozenset(fold(word) for text in (ENGLISH, GERMAN, FRENCH) for word in text.split())
